# Builds from the repository alone: dependencies by lockfile, the dashboard, then a small runtime that is not root.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node bin/bootstrap.mjs setup && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim
WORKDIR /app
# compiled code is kept beside the system, where `restore` looks for an empty folder it would be in the way
ENV NODE_ENV=production FENGSUI_DATA_DIR=/data FENGSUI_HOST=0.0.0.0 NODE_COMPILE_CACHE=/home/node/.cache/fengsui
COPY --from=build --chown=node:node /app /app
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 1883 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD node -e "fetch('http://127.0.0.1:'+(process.env.FENGSUI_HTTP_PORT||8080)+'/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
# the pinned Node 26 from node_modules runs the system; the image's own Node only carries npm
CMD ["node_modules/node/bin/node", "main.ts", "start"]

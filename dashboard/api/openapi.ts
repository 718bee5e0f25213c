// /api/openapi.json and the human docs at /api/docs, made from the schemas that the routes validate with; works offline.
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { App } from './schema.ts'

const DESCRIPTION = `Fire telemetry, alarms and incidents of a district. Log in with POST /api/v1/session, or send a service token as
\`Authorization: Bearer\`. Every error is {code, message, hint, requestId}. Times are RFC 3339, positions WGS84, units end the names.`

export async function addOpenApi(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Fengsui', version: '1', description: DESCRIPTION, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: 'fengsui_session' },
          bearer: { type: 'http', scheme: 'bearer', description: 'a session token or a service token' },
        },
      },
      security: [{ session: [] }, { bearer: [] }],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => (typeof json['$id'] === 'string' ? json['$id'] : `shape-${i}`) },
    transform: ({ schema, url, route }) => {
      // somebody else's API, passed through
      if (url.startsWith('/flows')) return { schema: { ...schema, hide: true }, url }
      const { scope } = route.config ?? {}
      if (scope === undefined) return { schema, url }
      if (scope === 'public') return { schema: { security: [], ...schema }, url }
      return { schema: { ...schema, description: [schema.description, `Needs the scope \`${scope}\`.`].filter(Boolean).join(' ') }, url }
    },
  })
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  await app.register(swaggerUi, {
    routePrefix: '/api/docs',
    uiConfig: { url: '/api/openapi.json', validatorUrl: null, deepLinking: true, docExpansion: 'list' },
    theme: { title: 'Fengsui API' },
  })
}

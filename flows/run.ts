// The Node-RED process. Started by flows/start.ts under Node's permission model; waits for its settings over IPC, serves the editor
// under /flows/ on the loopback address, and ends when the supervisor goes. A flow can end or hang this process and nothing else.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { closeDoors, lockDown } from './lockdown.ts'
import { openLine, type Line } from './line.ts'
import type { Start } from './link.ts'
import { functionTimeoutS, nodeRedSettings } from './settings.ts'
import type { Middleware } from './guard.ts'

type Express = (() => RequestListener & { use(path: string, app: unknown): void; disable(name: string): void }) & {
  json(o: { limit: string }): Middleware
}
type NodeRed = {
  init(server: Server, settings: Record<string, unknown>): void
  start(): Promise<void>
  stop(): Promise<void>
  httpAdmin: unknown
  runtime: { flows: { setFlows(o: object): Promise<unknown> } }
}

lockDown()
const require = createRequire(import.meta.url)
// Node-RED's own express (version 4), not whichever another package brings
const express = createRequire(require.resolve('node-red'))('express') as Express
const red = require('node-red') as NodeRed

/** who is started at once has its orders by then */
const STAND_BY_MS = 1000
let begun = false
/** Node-RED reads them at every call */
let settings: Record<string, unknown> | undefined

const line = openLine(message => {
  if (message.type === 'start') {
    begun = true
    void run(message.start, line).catch(fail)
  }
  if (message.type === 'careful' && settings !== undefined) settings['globalFunctionTimeout'] = functionTimeoutS(message.careful)
  if (message.type === 'reload') void red.runtime.flows.setFlows({ deploymentType: 'reload', req: {} }).catch(fail)
  if (message.type === 'stop') void red.stop().then(() => process.exit(0), fail)
})
// an exception nobody awaited leaves Node-RED in a state nobody knows: its maintainers' answer is to end, and so is ours
process.on('uncaughtException', fail)
// not yet told what to run: this process stands by
setTimeout(() => begun || load(), STAND_BY_MS)

/** Most of a start is loading programs: ours, Node-RED's nodes, and what these load only when they are made. */
function load(): void {
  for (const file of readdirSync(join(import.meta.dirname, 'nodes'))) if (file.endsWith('.js')) void import(`./nodes/${file}`).catch(fail)
  const nodeRed = createRequire(require.resolve('node-red'))
  const packageFile = nodeRed.resolve('@node-red/nodes/package.json')
  const core = createRequire(packageFile)
  const { dependencies } = core(packageFile) as { dependencies: Record<string, string> }
  for (const name of Object.keys(dependencies)) {
    try {
      core(name)
    } catch {
      // then whoever needs it says so
    }
  }
}

async function run(start: Start, line: Line): Promise<void> {
  line.tell({ type: 'hello' })
  closeDoors(start.closed)
  const app = express()
  app.disable('x-powered-by')
  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    if (req.url !== '/') return app(req, res)
    res.writeHead(302, { Location: '/flows/' }).end()
  })
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  settings = nodeRedSettings(start, line, express.json({ limit: '5mb' }), ready)
  red.init(server, settings)
  app.use('/flows/', red.httpAdmin)
  // the port first: where that fails, the flows have not run and are not to blame
  server.on('error', fail)
  await new Promise<void>(listening => server.listen(start.port, start.host, listening))
  await red.start()
  line.tell({ type: 'ready' })
  resolve()
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
}

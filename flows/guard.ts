// What stands in front of Node-RED's admin API: a deploy must name the revision it started from, single-flow writes (which have
// no revision) are refused, and behind the dashboard's proxy the page forgets an older sign-in. Express 4 middleware.
import { isNestedDeeper } from '#contracts/nesting.ts'
import type { Line } from './line.ts'
import { isNode, langOf, type FlowNode, type Lang } from './link.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** levels of lists and objects: no node has a tenth of it */
const NESTED_MAX = 100

export type AdminRequest = IncomingMessage & { path: string; body?: unknown }
type Next = (error?: unknown) => void
export type Middleware = (req: AdminRequest, res: ServerResponse, next: Next) => void

/** page/signed-in.js, which the editor's page loads before it starts */
const SIGNED_IN_PATH = '/theme/scripts/signed-in.js'

/** `json` is body-parser's: Node-RED's own comes later and leaves a parsed body alone. `lang`: for who does not say which he reads. */
export function guards(json: Middleware, line: Pick<Line, 'ask'>, lang: Lang): Middleware[] {
  return [
    headers,
    signedInScript,
    refuseSingleFlowWrites,
    onlyDeploys(understood(json)),
    onlyDeploys(requireRevision),
    onlyDeploys(gate(line, lang)),
  ]
}

/** Asked before Node-RED touches anything: a refused deploy leaves flows and credentials as they were. Who may not deploy is told by Node-RED. */
const gate =
  (line: Pick<Line, 'ask'>, lang: Lang): Middleware =>
  (req, res, next) => {
    const flows = (req.body as { flows?: FlowNode[] } | undefined)?.flows
    const token = req.headers.authorization?.split(' ')[1]
    if (flows === undefined || token === undefined) return next()
    void (async () => {
      const user = await line.ask('who', token)
      if (user === null || !user.permissions.includes('flows.write')) return next()
      const answer = await line.ask('gate', flows, token)
      if (answer.ok) return next()
      const reason = (langOf(req.headers['accept-language']) ?? lang) === 'zh-CN' ? answer.reason.zh : answer.reason.en
      if (isEditor(req)) refuseEditor(res, 422, answer.code, reason)
      else refuse(res, 422, answer.code, reason)
    })().catch((error: Error) => refuse(res, 500, 'internal', `the gate did not answer, nothing was changed: ${error.message}`))
  }

/** What is no JSON, or too much, is said as everything else is: in JSON. */
const understood =
  (json: Middleware): Middleware =>
  (req, res, next) =>
    json(req, res, error => {
      if (error === undefined) return next()
      const { status = 400 } = error as { status?: number }
      if (status === 413) refuse(res, 413, 'payload-too-large', 'a deploy is at most 5 MB')
      else
        refuse(res, status, 'invalid-request', `the body is not valid JSON: ${error instanceof Error ? error.message : ''}`.slice(0, 200))
    })

const headers: Middleware = (_req, res, next) => {
  res.setHeader('X-Frame-Options', 'SAMEORIGIN')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Referrer-Policy', 'same-origin')
  next()
}

/** A browser never sends Authorization for a script tag, so the header means: a proxy signs every request. */
const signedInScript: Middleware = (req, res, next) => {
  if (req.method !== 'GET' || req.path !== SIGNED_IN_PATH) return next()
  res.setHeader('Cache-Control', 'no-store')
  if (req.headers.authorization !== undefined) return next()
  res.setHeader('Content-Type', 'text/javascript; charset=utf-8')
  res.end()
}

const refuseSingleFlowWrites: Middleware = (req, res, next) => {
  if (req.method === 'GET' || !/^\/flow(\/|$)/i.test(req.path)) return next()
  refuse(res, 400, 'invalid-request', 'single flows are not written one by one: POST /flows with {flows, rev} and Node-RED-API-Version: v2')
}

/** large and small letters are one to Node-RED's paths */
const onlyDeploys =
  (step: Middleware): Middleware =>
  (req, res, next) =>
    req.method === 'POST' && /^\/flows\/?$/i.test(req.path) ? step(req, res, next) : next()

const requireRevision: Middleware = (req, res, next) => {
  if (req.headers['node-red-deployment-type'] === 'reload') return next()
  const body = req.body as { flows?: unknown; rev?: unknown } | undefined
  const versioned = req.headers['node-red-api-version'] === 'v2'
  if (versioned && Array.isArray(body?.flows) && typeof body.rev === 'string' && body.rev !== '') {
    if (isNestedDeeper(body.flows, NESTED_MAX))
      return refuse(res, 400, 'invalid-request', `flows are nested deeper than ${NESTED_MAX} levels`)
    if (body.flows.every(isNode)) return next()
    return refuse(res, 400, 'invalid-request', 'flows must be a list of nodes, each with id and type as text')
  }
  refuse(
    res,
    400,
    'invalid-request',
    'a deploy without rev would overwrite what others did: send {flows, rev} with Node-RED-API-Version: v2',
  )
}

const isEditor = (req: AdminRequest): boolean => req.headers['x-requested-with'] === 'XMLHttpRequest'

/** The editor shows the body of a refusal as it is, as HTML; names of nodes and tabs in it are somebody's words. */
function refuseEditor(res: ServerResponse, status: number, code: string, message: string): void {
  const safe = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  res.statusCode = status
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.end(code === 'flow-needs-approval' ? `<span class="fengsui-candidate">${safe}</span>` : safe)
}

function refuse(res: ServerResponse, status: number, code: string, message: string): void {
  res.statusCode = status
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ code, message }))
}

// The part of Node-RED's API that our nodes use, as narrow types: Node-RED 5 brings none of its own.
import type { AlarmRequest } from './alert.ts'
import type { FeedReading, FeedTick } from './feed.ts'
import type { Outcome } from './progress.ts'

/** A message in a flow. Our nodes set payload, topic and what they found. */
export type FlowMessage = Record<string, unknown> & { payload?: unknown; topic?: string; alert?: unknown; tick?: FeedTick }
export type NodeStatus = { fill?: 'green' | 'yellow' | 'red' | 'grey'; shape?: 'dot' | 'ring'; text?: string }
export type Send = (message: FlowMessage | (FlowMessage | null)[]) => void
export type InputHandler = (message: FlowMessage, send: Send, done: (error?: Error) => void) => void

export type RedNode = {
  id: string
  type: string
  name?: string
  /** the tab it stands on */
  z?: string
  /** its id in the subflow that it is an instance of */
  _alias?: string
  /** ids of what each of its outputs leads to */
  wires?: string[][]
  send(message: FlowMessage | (FlowMessage | null)[]): void
  status(status: NodeStatus): void
  warn(message: string): void
  error(message: string, about?: FlowMessage): void
  on(event: 'input', handler: InputHandler): void
  on(event: 'close', handler: (done: () => void) => void): void
}

/** What a hook gets: a message on its way to a node, or a node that has finished one. */
export type Delivery = { msg: object; destination: { id: string; node: object } }
export type Completion = { msg: object; node: { id: string }; error?: unknown }

type Started = { config?: { rev?: string } }
type HttpRequest = { params: Record<string, string>; body?: unknown; query: Record<string, string> }
type HttpResponse = { json(value: unknown): void; status(code: number): HttpResponse }
type HttpHandler = (req: HttpRequest, res: HttpResponse) => void
export type Red = {
  nodes: {
    createNode(node: unknown, config: unknown): void
    getNode(id: string): unknown
    eachNode(each: (node: { id: string; type: string; scope?: unknown }) => void): void
    registerType(type: string, constructor: unknown, options?: { credentials: Record<string, { type: 'password' | 'text' }> }): void
  }
  hooks: { add(name: string, handler: (event: never) => void): void; has(name: string): boolean }
  events: {
    on(name: string, handler: (event: Started) => void): void
    removeListener(name: string, handler: (event: Started) => void): void
  }
  auth: { needsPermission(permission: string): unknown }
  httpAdmin?: {
    get(path: string, guard: unknown, handler: HttpHandler): void
    post(path: string, guard: unknown, handler: HttpHandler): void
  }
  settings: { fengsui?: Own }
  _(key: string, parameters?: Record<string, unknown>): string
}

/** Where a fire-reading node gets its readings while a flow is tried on recorded ones. */
export type Tap = {
  node: string
  kinds: string
  areas: string
  ticks: boolean
  /** undefined = done already */
  deliver(entry: FeedReading | FeedTick): Promise<Outcome> | undefined
}
/** What a flow that is not in force does instead of raising alarms and sending commands. */
export type Trial = {
  /** undefined = it follows the live feed */
  tap?: (tap: Tap) => () => void
  raised(alarm: AlarmRequest): void
  commanded(command: object): void
}

/** This system's own API as the process was started with it (flows/settings.ts puts it there). */
export type Own = {
  apiUrl: string
  token: string
  revision(): string
  ready: Promise<void>
  feed(state: { consumer: string; cursor: number; head: number; problem?: string; gone?: boolean }): void
  /** absent = in force */
  trial?: Trial
  /** before the name of every consumer, so that a flow on trial never moves the cursor of the one in force */
  prefix?: string
}

let elsewhere: Own | undefined
/** In a Node-RED that is not ours, address and token come from fire-server, and the revision from Node-RED. */
export function ownOf(red: Red): Own {
  if (red.settings.fengsui !== undefined) return red.settings.fengsui
  if (elsewhere !== undefined) return elsewhere
  let revision = 'none'
  red.events.on('flows:started', ({ config }) => (revision = config?.rev ?? revision))
  return (elsewhere = { apiUrl: '', token: '', revision: () => revision, ready: Promise.resolve(), feed: () => {} })
}

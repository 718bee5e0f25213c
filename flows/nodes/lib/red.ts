// The part of Node-RED's API that our nodes use, as narrow types: Node-RED 5 brings none of its own.

/** A message in a flow. Our nodes set payload and topic. */
export type FlowMessage = Record<string, unknown> & { payload?: unknown; topic?: string; alert?: unknown }
export type NodeStatus = { fill?: 'green' | 'yellow' | 'red' | 'grey'; shape?: 'dot' | 'ring'; text?: string }
export type InputHandler = (message: FlowMessage, send: (message: FlowMessage) => void, done: (error?: Error) => void) => void

export type RedNode = {
  id: string
  type: string
  name?: string
  send(message: FlowMessage): void
  status(status: NodeStatus): void
  warn(message: string): void
  error(message: string, about?: FlowMessage): void
  on(event: 'input', handler: InputHandler): void
  on(event: 'close', handler: (done: () => void) => void): void
}

/** What a hook gets: a message on its way to a node, or a node that has finished one. */
export type Delivery = { msg: object; destination: { id: string; node: object } }
export type Completion = { msg: object; node: { id: string } }

export type Red = {
  nodes: {
    createNode(node: unknown, config: unknown): void
    getNode(id: string): unknown
    registerType(type: string, constructor: unknown, options?: { credentials: Record<string, { type: 'password' | 'text' }> }): void
  }
  hooks: { add(name: string, handler: (event: never) => void): void }
  events: { on(name: string, handler: () => void): void; removeListener(name: string, handler: () => void): void }
  settings: { fengsui: Own }
  _(key: string, parameters?: Record<string, unknown>): string
}

/** This system's own API as the process was started with it (flows/settings.ts puts it there). */
export type Own = {
  apiUrl: string
  token: string
  revision(): string
  ready: Promise<void>
  feed(state: { consumer: string; cursor: number; head: number; problem?: string }): void
}

// What the supervisor and the Node-RED process say to each other over the IPC channel. Secrets go this way and never by argument
// or environment, where other programs and flows could read them. The child asks; only the supervisor knows people and owns files.
import type { Text } from '#contracts/alarm.ts'
import type { Door } from './doors.ts'
import type { Played, TrialAlarm } from './trials.ts'

export type Lang = 'zh-CN' | 'en-US'
/** Of an Accept-Language: the first of ours that it names. */
export const langOf = (accepted: string | undefined): Lang | undefined => {
  const [, first] = /(?:^|[\s,])(zh|en)\b/i.exec(accepted ?? '') ?? []
  return first === undefined ? undefined : first.toLowerCase() === 'zh' ? 'zh-CN' : 'en-US'
}

/** First message to the child: everything it needs to run. */
export type Start = {
  host: string
  port: number
  userDir: string
  apiUrl: string
  apiToken: string
  credentialSecret: string
  lang: Lang
  /** absent = the flows in force, with the editor. `backtest`: no network, readings on stdin; `shadow`: the live feed, nothing raised */
  trial?: 'backtest' | 'shadow'
  /** what it may not call */
  closed: Door[]
  /** it hung before: functions that take longer than a second are stopped, which makes every call of one dearer */
  careful?: boolean
  /** of a trial: the types of nodes that its flows use */
  types?: string[]
}

/** Somebody known to Node-RED; `token` is set by a password login and is what the editor then sends. */
export type FlowUser = { username: string; permissions: string[]; token?: string }

export type FlowNode = { id: string; type: string; z?: string; [key: string]: unknown }

export const isNode = (one: unknown): one is FlowNode =>
  typeof one === 'object' && one !== null && typeof (one as FlowNode).id === 'string' && typeof (one as FlowNode).type === 'string'

/** A setting as text; '' where it is none. */
export const wordOf = (node: FlowNode, key: string): string => {
  const value = node[key]
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** What the child may ask. Each is answered once, with a value or an error. */
export type Questions = {
  who(token: string): FlowUser | null
  login(username: string, password: string): FlowUser | null
  getFlows(): { flows: FlowNode[]; rev: string }
  /** before anything is touched: may these flows be deployed? */
  gate(flows: FlowNode[], token: string): GateAnswer
  saveFlows(flows: FlowNode[], by: string): { rev: string }
  getCredentials(): Record<string, unknown>
  saveCredentials(credentials: Record<string, unknown>): null
  getSettings(): Record<string, unknown> | null
  saveSettings(settings: Record<string, unknown>): null
}
export type GateAnswer = { ok: boolean; code: 'flow-refused' | 'flow-needs-approval'; reason: Text }
export type Question = keyof Questions

/** How far one fire-reading node is; `cursor` is committed, `head` the newest there is. */
/** `gone`: the node is no more */
export type FeedState = { consumer: string; cursor: number; head: number; problem?: string; gone?: boolean }

export type FromChild =
  | { type: 'ask'; id: number; question: Question; args: unknown[] }
  | { type: 'hello' }
  /** it serves the editor and its flows may begin to read */
  | { type: 'ready' }
  | { type: 'log'; level: 'error' | 'warn' | 'info' | 'debug'; message: string; node?: string }
  | { type: 'audit'; entry: Record<string, unknown> }
  | { type: 'feed'; state: FeedState }
  | { type: 'played'; played: Played }
  | { type: 'shadow'; alarm: TrialAlarm }

export type ToChild =
  | { type: 'start'; start: Start }
  | { type: 'answer'; id: number; value: unknown }
  | { type: 'refuse'; id: number; message: string }
  /** as `careful` at the start, from now on */
  | { type: 'careful'; careful: boolean }
  /** read the flows again: they were changed outside the editor */
  | { type: 'reload' }
  | { type: 'stop' }

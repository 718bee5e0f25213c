// What the three parts of the system are and what each may ask of another: narrow requests with answers, over IPC or in one process.
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Account } from '#contracts/accounting.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { MetricsSnapshot } from '../processes/metrics.ts'
import type { Settings } from '../settings.ts'

export type Parts = { clock: Clock; log: Log }
type Query = { deviceId: string; metric?: string; fromMs: number; toMs: number; points: number }
type Series = { metric: string; points: [number, number][] }[]
type AggregateQuery = { metric: string; area?: string; kind?: string; fromMs: number; toMs: number; stepMs: number }
type Aggregate = { t: number; count: number; mean: number; min: number; max: number }

/** What the other processes may ask of the edge. */
export type EdgePort = {
  append(message: InboundMessage): Promise<void>
  publish(topic: string, payload: string): Promise<void>
  /** takes it out of the sessions of those who are away */
  withdraw(topic: string, payload: string): Promise<number>
  disconnect(username: string): Promise<void>
  health(): Promise<RoomHealth[]>
  metrics(): Promise<MetricsSnapshot>
}
export const EDGE_METHODS = ['append', 'publish', 'withdraw', 'disconnect', 'health', 'metrics'] as const

/** What the other processes may ask of the store. */
export type StorePort = {
  query(query: Query): Promise<Series>
  aggregate(query: AggregateQuery): Promise<Aggregate[]>
  account(): Promise<Account>
  health(): Promise<RoomHealth[]>
  metrics(): Promise<MetricsSnapshot>
}
export const STORE_METHODS = ['query', 'aggregate', 'account', 'health', 'metrics'] as const

export type Edge = EdgePort & { port: number; ports: Partial<Record<'mqtt' | 'mqtts' | 'ws' | 'wss', number>>; close(): Promise<void> }
export type Store = StorePort & { wake(head: number): void; close(): Promise<void> }
export type Core = {
  port: number
  adminPassword?: string
  wake(head: number): void
  flowsToken(): string
  /** what was done to the flows goes into the trail */
  audit(entry: { actor: string; action: string; subject: string; detail?: object }): void
  metrics(): Promise<MetricsSnapshot>
  close(): Promise<void>
}
/** The supervisor's own lines: what runs, how often it was restarted. */
export type SupervisorPort = {
  health(): Promise<RoomHealth[]>
  metrics(): Promise<MetricsSnapshot>
}
export const SUPERVISOR_METHODS = ['health', 'metrics'] as const
/** What may be asked of the flows, which the supervisor keeps; a backtest may take minutes. */
export type FlowsPort = { flows(question: string, asked: object): Promise<object> }
export const FLOWS_METHODS = ['flows'] as const
export const FLOWS_MS_MAX = 300_000

/** What core needs of the other processes; `flowsSecret` signs the way to Node-RED. */
export type Others = { edge: EdgePort; store: StorePort; supervisor: SupervisorPort; flows?: FlowsPort; flowsSecret: string }

/** names of the cursors that hold segments of the journal back */
export const RULES_CURSOR = 'rules'
/** a restart judges again from here */
export const KEPT_CURSOR = 'rules-kept'
export const STORE_CURSOR = 'store'

/** stands in a data folder while a backup is brought back into it; nothing starts on it */
export const RESTORE_MARK = 'restore.unfinished'

/** Makes sure that the data folder is there and can be written. @throws FengsuiError data-dir-unwritable, restore-unfinished */
export function makeDataDir(settings: Settings): string {
  if (existsSync(join(settings.dataDir, RESTORE_MARK)))
    throw new FengsuiError('restore-unfinished', `FENGSUI_DATA_DIR=${settings.dataDir} holds a restore that was not finished`)
  try {
    // it holds hashes of secrets, logins of cameras and what happens in people's homes
    mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 })
    accessSync(settings.dataDir, constants.W_OK)
  } catch (cause) {
    throw new FengsuiError('data-dir-unwritable', `FENGSUI_DATA_DIR=${settings.dataDir}: ${(cause as Error).message}`, { cause })
  }
  return settings.dataDir
}

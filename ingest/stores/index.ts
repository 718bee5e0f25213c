// The reading stores there are: few and chosen by the operator, so they are listed, not found by folder.
import { openDuckdb } from './duckdb.ts'
import { openInflux, type InfluxOptions } from './influx.ts'
import type { ReadingStore, StoreDeps } from './store.ts'

export type StoreTarget = { kind: 'duckdb'; dir: string; retentionDays?: number } | ({ kind: 'influx' } & InfluxOptions)

/** @throws FengsuiError room-unavailable when another process has the embedded store open */
export function openStore(target: StoreTarget, deps: StoreDeps): Promise<ReadingStore> {
  return target.kind === 'duckdb' ? openDuckdb(target, deps) : openInflux(target, deps)
}

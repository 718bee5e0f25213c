// The reading stores there are: few and chosen by the operator, so they are listed, not found by folder.
import type { InfluxOptions } from './influx.ts'
import type { ReadingStore, StoreDeps } from './store.ts'

export type StoreTarget = { kind: 'duckdb'; dir: string; retentionDays?: number } | ({ kind: 'influx' } & InfluxOptions)

/** @throws FengsuiError room-unavailable when another process has the embedded store open */
export async function openStore(target: StoreTarget, deps: StoreDeps): Promise<ReadingStore> {
  // each brings a large library: only the process that keeps readings should load one, and only the one it needs
  if (target.kind === 'influx') return (await import('./influx.ts')).openInflux(target, deps)
  return (await import('./duckdb.ts')).openDuckdb(target, deps)
}

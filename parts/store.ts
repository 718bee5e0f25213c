// The store: decodes what the journal holds and writes it to the reading store; answers history.
import type { Settings } from '../settings.ts'
import { makeDataDir, STORE_CURSOR, type Parts, type Store } from './ports.ts'

/** Ingest: decode, quarantine, write to the reading store; answers history. */
export async function createStore(settings: Settings, parts: Parts): Promise<Store> {
  const { createMeter, gaugeLag } = await import('../processes/metrics.ts')
  const { refilling } = await import('../health-alarms.ts')
  const { followPosition, openCursors, openReader } = await import('../journal/index.ts')
  const {
    createAreas,
    createCatalogue,
    holdStillWhenAsked,
    loadDecoders,
    loadDistrict,
    openQuarantine,
    openRegistrations,
    openStore,
    startStoreWriter,
  } = await import('../ingest/index.ts')

  await using stack = new AsyncDisposableStack()
  const { clock, log } = parts
  const dir = makeDataDir(settings)
  const { meter, snapshot } = createMeter()
  const reader = stack.adopt(openReader({ dir, removedIsDamage: true }), r => r.close())
  const cursors = stack.adopt(openCursors({ dir }), c => c.close())
  const quarantine = stack.adopt(openQuarantine({ dir, clock, meter }), q => q.close())
  const catalogue = createCatalogue({
    decoders: await loadDecoders(),
    district: await loadDistrict(settings.districtDir, log),
    timeZone: settings.timeZone,
  })
  const registrations = stack.adopt(openRegistrations({ dir }), r => r.close())
  const areas = createAreas({ registered: registrations.since })
  const target = settings.influx
    ? { kind: 'influx' as const, dir, ...settings.influx }
    : { kind: 'duckdb' as const, dir, retentionDays: settings.readingsKeepDays }
  const store = stack.adopt(await openStore(target, { log, meter }), s => s.close())
  const setAside = refilling(store.notice)
  const writer = stack.adopt(startStoreWriter({ reader, catalogue, areas, store, quarantine, log, meter, clock }), w => w.close())
  if (store.still !== undefined) stack.adopt(holdStillWhenAsked({ dir, still: store.still, log }), h => h.close())
  const startedAt = await store.position() // the writer knows it a moment later
  const position = (): number => Math.max(startedAt, writer.status().position)
  stack.adopt(followPosition({ cursors, consumer: STORE_CURSOR, position, log }), f => f.close())

  const running = stack.move()
  return {
    wake: writer.wake,
    query: query => store.query(query),
    aggregate: query => store.aggregate(query),
    account: async () => writer.account(),
    health: async () => {
      const { ok, detail, troubles, position, head } = writer.status()
      return [{ room: 'ingest', ok, detail: `${store.name}: ${detail}`, troubles: [...troubles, ...setAside(position, head)] }]
    },
    metrics: async () => {
      gaugeLag(meter, STORE_CURSOR, writer.status())
      return snapshot()
    },
    close: () => running.disposeAsync(),
  }
}

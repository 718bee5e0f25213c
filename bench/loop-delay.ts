// How long our edge's event loop is held up at 10,000 messages a second, as it is and with 5 ms added to every sync of the journal (an ordinary SSD
// without power-loss protection): the disk's slowness must not become the door's. Beside it Aedes alone, which never syncs.
import { load, median, openBroker, round, type BrokerOptions, type Variant } from './side-by-side.ts'
import type { LoopDelay } from './mqtt-broker.ts'
import type { LoadReport } from './raw-load.ts'

const ROUNDS = 3
const RATE = 10_000
const CONNECTIONS = 500
const RUN_MS = 4000
/** both are Node: their first ten seconds under load are those of a compiler on the same core */
const WARM_UP_MS = 12_000

const cases: { name: string; variant: Variant; options: BrokerOptions }[] = [
  { name: 'ours', variant: 'ours', options: {} },
  { name: 'ours, 5 ms more a sync', variant: 'ours', options: { addedSyncMs: 5 } },
  { name: 'stock', variant: 'stock', options: {} },
]
type Run = { report: LoadReport; loop: LoopDelay }
const runs = new Map(cases.map(({ name }) => [name, [] as Run[]]))
for (let i = 0; i < ROUNDS; i++) {
  for (const { name, variant, options } of cases) {
    await using broker = await openBroker(variant, options)
    const loading = load({
      port: broker.port,
      groups: [{ connections: CONNECTIONS, window: 64, rate: RATE }],
      ms: RUN_MS,
      warmUpMs: WARM_UP_MS,
      spin: true,
    })
    await new Promise(resolve => setTimeout(resolve, WARM_UP_MS + 1000))
    await broker.loopDelay() // starting and connecting is not meant
    runs.get(name)?.push({ report: await loading, loop: await broker.loopDelay() })
  }
}
const rows = cases.map(({ name }) => {
  const of = (what: (r: Run) => number, digits = 2): number => round(median((runs.get(name) ?? []).map(what)), digits)
  return {
    name,
    'acks/s': of(r => r.report.acked / r.report.seconds, 0),
    'PUBACK p50Ms': of(r => r.report.p50Ms),
    'PUBACK p99Ms': of(r => r.report.p99Ms),
    'loop p50Ms': of(r => r.loop.p50Ms),
    'loop p99Ms': of(r => r.loop.p99Ms),
  }
})
console.table(rows)
console.log(JSON.stringify({ bench: 'loop-delay', rounds: ROUNDS, rate: RATE, runMs: RUN_MS, rows }))

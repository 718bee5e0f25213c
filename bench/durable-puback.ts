// What it costs to acknowledge only what is on disk: QoS 1 through our edge (door and journal), through Aedes alone and through mosquitto with
// and without its persistence, neither of which has written anything when it acknowledges. Interleaved in one run; the ratios count, the absolute
// numbers are this machine's mood.
import { openReader } from '../journal/index.ts'
import type { LoadGroup } from './raw-load.ts'
import { load, median, openBroker, round, runnable, type Variant } from './side-by-side.ts'

const ROUNDS = 3
const RUN_MS = 2500
const WARM_UP_MS = 1500
const PATTERNS: Record<string, LoadGroup> = {
  /** few connections that send ahead, each for some devices */
  'gateways 50x256': { connections: 50, window: 256, devices: 16 },
  /** many that wait for each acknowledgement */
  'fleet 2000x1': { connections: 2000, window: 1 },
}
type Run = { pattern: string; variant: Variant; rate: number; p50Ms: number; p99Ms: number; brokerUs: number; loadCores: number }

async function run(pattern: string, group: LoadGroup, variant: Variant): Promise<Run> {
  await using broker = await openBroker(variant)
  let before = broker.cpuS()
  const begun = (): void => void (before = broker.cpuS())
  const report = await load({ port: broker.port, groups: [group], ms: RUN_MS, warmUpMs: WARM_UP_MS }, begun)
  const usedS = (await broker.cpuS()) - (await before)
  const acked = report.accounts.reduce((sum, a) => sum + a.acked, 0)
  if (variant === 'ours') checkDurable(broker.dir, acked)
  const { p50Ms, p99Ms, seconds, cpuS } = report
  const brokerUs = (usedS * 1e6) / report.acked
  return { pattern, variant, rate: report.acked / seconds, p50Ms, p99Ms, brokerUs, loadCores: cpuS / seconds }
}

/** The journal is read from outside, while the edge is still there. */
function checkDurable(dir: string, acked: number): void {
  using reader = openReader({ dir })
  if (reader.head() < acked) throw new Error(`${acked} were acknowledged, ${reader.head()} are on disk`)
}

const variants = runnable(['ours', 'stock', 'mosquitto', 'mosquitto-persistent'])
const runs: Run[] = []
for (let i = 0; i < ROUNDS; i++)
  for (const [pattern, group] of Object.entries(PATTERNS)) for (const variant of variants) runs.push(await run(pattern, group, variant))

const rows = Object.keys(PATTERNS).flatMap(pattern => {
  const of = (variant: Variant, what: (r: Run) => number): number =>
    median(runs.filter(r => r.pattern === pattern && r.variant === variant).map(what))
  const ofOurs = (variant: Variant): number => round(of('ours', r => r.rate) / of(variant, r => r.rate), 2)
  return variants.map(variant => ({
    pattern,
    variant,
    'acks/s': round(of(variant, r => r.rate)),
    'ours / this': ofOurs(variant),
    p50Ms: round(
      of(variant, r => r.p50Ms),
      2,
    ),
    p99Ms: round(
      of(variant, r => r.p99Ms),
      2,
    ),
    'broker CPU us/message': round(
      of(variant, r => r.brokerUs),
      1,
    ),
    'generator cores': round(
      of(variant, r => r.loadCores),
      2,
    ),
  }))
})
console.table(rows)
console.log(JSON.stringify({ bench: 'durable-puback', rounds: ROUNDS, runMs: RUN_MS, rows }))

// What it costs to acknowledge only what is on disk: QoS 1 through our door with the journal, without it (append resolves at
// once), and through Aedes alone, interleaved in one run. Ratios count; the absolute numbers are this machine's mood.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { VARIANTS, type Variant } from './mqtt-broker.ts'
import type { Load } from './mqtt-load.ts'

const ROUNDS = 3
const RUN_MS = 2000
const PATTERNS = [
  { pattern: 'pipelined', connections: 20, window: 64 },
  { pattern: 'fleet', connections: 200, window: 1 },
] as const
type Pattern = (typeof PATTERNS)[number]
type Run = Load & { pattern: string; variant: Variant; brokerUsPerMessage: number }

const script = (name: string): string => join(import.meta.dirname, name)

async function run({ pattern, connections, window }: Pattern, variant: Variant): Promise<Run> {
  const broker = fork(script('mqtt-broker.ts'), [variant])
  const [{ port }] = (await once(broker, 'message')) as [{ port: number }]
  const generator = fork(script('mqtt-load.ts'), [port, connections, window, RUN_MS].map(String))
  const [load] = (await once(generator, 'message')) as [Load]
  broker.send('stop')
  const [{ cpuS, head }] = (await once(broker, 'message')) as [{ cpuS: number; head: number }]
  await once(broker, 'exit')
  if (variant === 'journal' && head < load.acked) throw new Error(`${load.acked} acknowledged, ${head} on disk`)
  const brokerUsPerMessage = (cpuS * 1e6) / (load.acked * (1 + 500 / RUN_MS)) // the warm-up's messages cost too
  return { ...load, pattern, variant, brokerUsPerMessage }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const round = (value: number, digits = 0): number => Number(value.toFixed(digits))

const runs: Run[] = []
for (let i = 0; i < ROUNDS; i++) for (const pattern of PATTERNS) for (const variant of VARIANTS) runs.push(await run(pattern, variant))

const rows = PATTERNS.flatMap(({ pattern, connections, window }) => {
  const of = (variant: Variant, what: (r: Run) => number): number =>
    median(runs.filter(r => r.pattern === pattern && r.variant === variant).map(what))
  const rate = (variant: Variant): number => of(variant, r => r.acked / r.seconds)
  return VARIANTS.map(variant => ({
    pattern: `${pattern} ${connections}x${window}`,
    variant,
    acksPerS: round(rate(variant)),
    ofMemory: round(rate(variant) / rate('memory'), 2),
    ofStock: round(rate(variant) / rate('stock'), 2),
    p50Ms: round(
      of(variant, r => r.p50Ms),
      2,
    ),
    p99Ms: round(
      of(variant, r => r.p99Ms),
      2,
    ),
    brokerUsPerMessage: round(
      of(variant, r => r.brokerUsPerMessage),
      1,
    ),
  }))
})
console.table(rows)
console.log(JSON.stringify({ bench: 'durable-puback', rounds: ROUNDS, runMs: RUN_MS, rows }))

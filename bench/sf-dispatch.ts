// The dispatch queue on a real log: would it have sent who was really sent, did it ever offer one that was busy, and how long did it say the way
// takes? The travel figures are fitted to one part of the log, out of the queue's own orders, and judged on the other, both ways round: nothing
// is learnt from the days it is judged on.
//   npm run bench -- sf-dispatch [--log FILE.csv[.gz]] [--stations FILE.geojson] [--split 0.5] [--misses]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { figuresLine, judgedLine } from '../bin/calibrate.ts'
import { DEFAULT_PLAN, type DispatchPlan } from '../dispatch/plan.ts'
import { fitTravel, judgeIntervals, judgeTravel } from '../dispatch/travel/fit.ts'
import { isFire, readLog, readStations, type Sent, type Station } from './dispatch-log.ts'
import { replayLog, type Choice, type EtaSeen } from './dispatch-replay.ts'

const FIXTURES = join(import.meta.dirname, '../test/fixtures/sf-dispatch')

const { values } = parseArgs({
  options: {
    log: { type: 'string', default: join(FIXTURES, 'engines.csv.gz') },
    stations: { type: 'string', default: join(FIXTURES, 'stations.geojson') },
    split: { type: 'string', default: '0.5' },
    misses: { type: 'boolean', default: false },
  },
})

const metres = (a: Station, b: Sent['at']): number =>
  Math.hypot(a.lat - b.lat, (a.lon - b.lon) * Math.cos((b.lat * Math.PI) / 180)) * 111_195
const percent = (some: number, all: number): string => `${((100 * some) / all).toFixed(1)} %`
const shares = (name: string, choices: readonly Choice[], rankOf: (c: Choice) => number | null): string => {
  const within = (n: number) => choices.filter(c => (rankOf(c) ?? Infinity) <= n).length
  return `${name.padEnd(44)} first ${percent(within(1), choices.length)}, among the first two ${percent(within(2), choices.length)}, n=${choices.length}`
}

const { sent, left } = readLog(values.log, 'ENGINE')
const stations = readStations(values.stations)
const [firstMs, lastMs] = [sent[0]?.sentMs ?? 0, sent.at(-1)?.sentMs ?? 0]
const cutMs = firstMs + Number(values.split) * (lastMs - firstMs)
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
const byCall = new Map(sent.toReversed().map(one => [one.call, one]))
const nearest = (c: Choice, from: readonly Station[]): number => {
  const at = byCall.get(c.call)?.at ?? { lat: 0, lon: 0 }
  return from.toSorted((a, b) => metres(a, at) - metres(b, at)).findIndex(one => one.unit === c.real) + 1 || Infinity
}

console.log(`${sent.length} engines sent from ${day(firstMs)} to ${day(lastMs)} (${left} lines left out), ${stations.length} stations`)
const before = DEFAULT_PLAN.travel.engine

/** The whole log with figures fitted to the runs of one part; only the other part is judged. */
function judge(name: string, isFitted: (atMs: number) => boolean): { decidable: Choice[]; etas: EtaSeen[]; busy: number } {
  const part = replayLog({ sent: sent.filter(one => isFitted(one.sentMs)), stations, plan: DEFAULT_PLAN })
  const fitted = fitTravel(part.runs, before)
  if (fitted === null) throw new Error(`only ${part.runs.length} runs: too few to fit anything for ${name}`)
  const plan: DispatchPlan = { ...DEFAULT_PLAN, travel: { ...DEFAULT_PLAN.travel, engine: fitted } }
  const all = replayLog({ sent, stations, plan })
  const judged = all.choices.filter(c => !isFitted(c.atMs))
  const housed = judged.filter(c => c.realHasStation)
  const decidable = housed.filter(c => !c.realWasBusy)
  const etas = all.etas.filter(one => !isFitted(one.atMs))
  console.log(`\n${name}, with figures fitted to the other part: ${figuresLine(fitted)}`)
  console.log(
    `real first engine had no known station: ${judged.length - housed.length}; was on another call by the log: ${housed.length - decidable.length}`,
  )
  choicesLines(decidable)
  console.log(`ETA ${judgedLine(judgeIntervals(etas))}`)
  return { decidable, etas, busy: all.choices.reduce((sum, c) => sum + c.busyProposed.length, 0) }
}

function choicesLines(decidable: readonly Choice[]): void {
  for (const [name, some] of [
    ['fires', decidable.filter(c => isFire(c.kind))],
    ['all calls', decidable],
  ] as const) {
    console.log(shares(`${name}: nearest by straight line (baseline)`, some, c => nearest(c, stations)))
    console.log(shares(`${name}: ranked by the queue`, some, c => c.rank))
  }
}

const halves = [judge(`from ${day(cutMs)} on`, atMs => atMs < cutMs), judge(`before ${day(cutMs)}`, atMs => atMs >= cutMs)]
const [decidable, etas] = [halves.flatMap(one => one.decidable), halves.flatMap(one => one.etas)]
console.log('\nboth together, nothing fitted to the days it is judged on')
choicesLines(decidable)
console.log(`busy engines proposed in all rankings: ${halves.reduce((sum, one) => sum + one.busy, 0)}`)
console.log(`plan as it ships  ${figuresLine(before)}`)
console.log(
  `                  ${judgedLine(
    judgeTravel(
      etas.map(({ distanceM, totalS }) => ({ distanceM, totalS })),
      before,
    ),
  )}`,
)
console.log(`fitted            ${judgedLine(judgeIntervals(etas))}`)
for (const [name, lo, hi] of [
  ['up to 800 m', 0, 800],
  ['800 m to 1,600 m', 800, 1_600],
  ['beyond', 1_600, Infinity],
] as const)
  console.log(`  ${name.padEnd(16)}${judgedLine(judgeIntervals(etas.filter(one => one.distanceM >= lo && one.distanceM < hi)))}`)
if (values.misses)
  for (const c of decidable.filter(one => (one.rank ?? Infinity) > 2))
    console.log(
      `  ${day(c.atMs)} ${c.call}: sent ${c.real}, ranked ${c.rank ?? 'not'}, first ${c.first.join(' ')}, by straight line ${nearest(c, stations)}`,
    )

// `npm run calibrate -- [--since TIME] [--write FILE] [--json]`: fits the travel figures of the dispatch plan to the runs that this district's
// crews have made, and says how right the plan was and the fitted figures are. It reads the data folder while the system runs, and changes
// nothing of it: what it found is written to a plan of its own, which somebody reads and puts in force (FENGSUI_DISPATCH_PLAN).
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseDocument } from 'yaml'
import { FengsuiError } from '#contracts/errors.ts'
import { TRAVEL_MODES, type TravelMode } from '#contracts/resource.ts'
import { readRuns } from '../dispatch/index.ts'
import { parsePlan, readPlan, type DispatchPlan, type TravelFigures } from '../dispatch/plan.ts'
import { fitTravel, judgeTravel, RUNS_MIN, type Judged, type Run } from '../dispatch/travel/fit.ts'
import { readSettings } from '../settings.ts'
import { refused } from './refused.ts'

const USAGE = 'usage: npm run calibrate -- [--since TIME] [--write FILE.yaml] [--json]'
/** The youngest part is what figures are judged on that were fitted to the rest. */
const JUDGED_PART = 1 / 3

export type Calibrated = {
  mode: TravelMode
  runs: number
  before: TravelFigures
  /** fitted to all runs; null = too few */
  after: TravelFigures | null
  /** both on the youngest third: the plan as it is, and figures fitted to the older two thirds */
  judged: { before: Judged; after: Judged | null }
}

/** `runs` of one way of moving, oldest first. */
export const calibrated = (mode: TravelMode, runs: readonly Run[], plan: DispatchPlan): Calibrated => {
  const before = plan.travel[mode]
  const cut = Math.floor(runs.length * (1 - JUDGED_PART))
  const [older, younger] = [runs.slice(0, cut), runs.slice(cut)]
  const fitted = fitTravel(older, before)
  return {
    mode,
    runs: runs.length,
    before,
    after: fitTravel(runs, before),
    judged: { before: judgeTravel(younger, before), after: fitted === null ? null : judgeTravel(younger, fitted) },
  }
}

/** The plan's own text with the fitted figures in the place of the old ones: comments stay. */
export const planWith = (text: string, all: readonly Calibrated[]): string => {
  const plan = parseDocument(text)
  for (const { mode, after } of all) for (const [name, value] of Object.entries(after ?? {})) plan.setIn(['travel', mode, name], value)
  return plan.toString({ lineWidth: 0 })
}

const percent = (part: number): string => `${(100 * part).toFixed(0)} %`
export const figuresLine = (f: TravelFigures): string =>
  `{ turnOutS: ${f.turnOutS}, baseS: ${f.baseS}, speedMps: ${f.speedMps}, lowFactor: ${f.lowFactor}, highFactor: ${f.highFactor}, reachM: ${f.reachM} }`
export const judgedLine = (j: Judged): string =>
  `off by ${j.meanErrorS.toFixed(0)} s on average (median ${j.medianErrorS.toFixed(0)} s, ${j.biasS < 0 ? 'too soon' : 'too late'} by ${Math.abs(j.biasS).toFixed(0)} s), ` +
  `${percent(j.inside)} inside the interval (${percent(j.sooner)} sooner, ${percent(j.later)} later), ${j.widthS.toFixed(0)} s wide, ${j.runs} runs`

const linesOf = ({ mode, runs, before, after, judged }: Calibrated): string[] => [
  `${mode}: ${runs} runs`,
  `  plan    ${figuresLine(before)}`,
  `          ${judgedLine(judged.before)}`,
  ...(after === null || judged.after === null
    ? [`  fewer than ${RUNS_MIN} runs in the older two thirds: the plan's figures stay`]
    : [`  fitted  ${figuresLine(after)}`, `          ${judgedLine(judged.after)}`]),
]

/** The exit code; lines go to `print`. @throws FengsuiError invalid-request, setting-invalid */
export function run(args: string[], print: (line: string) => void, environment: Record<string, string | undefined> = process.env): number {
  const { values } = parseArgs({ args, options: { since: { type: 'string' }, write: { type: 'string' }, json: { type: 'boolean' } } })
  const fromMs = values.since === undefined ? 0 : Date.parse(values.since)
  if (!Number.isFinite(fromMs))
    throw new FengsuiError('invalid-request', `--since ${values.since ?? ''} is no time such as 2026-07-22\n${USAGE}`)
  const { dataDir, dispatchPlan } = readSettings(environment)
  if (values.write !== undefined && existsSync(values.write))
    throw new FengsuiError('invalid-request', `--write ${values.write}: this file exists, and is not written over\n${USAGE}`)
  const plan = readPlan(dispatchPlan)
  const runs = readRuns({ file: join(dataDir, 'dispatch.db'), fromMs })
  const all = TRAVEL_MODES.flatMap(mode => {
    const own = runs.filter(one => one.mode === mode)
    return own.length === 0 ? [] : [calibrated(mode, own, plan)]
  })
  if (values.json === true) print(JSON.stringify(all))
  else if (all.length === 0) print(`no run of a crew in ${dataDir} yet: orders that were given, driven and reported on scene are needed`)
  else for (const line of all.flatMap(linesOf)) print(line)
  if (values.write !== undefined && all.some(one => one.after !== null)) {
    const text = planWith(readFileSync(dispatchPlan, 'utf8'), all)
    parsePlan(text, values.write)
    writeFileSync(values.write, text, { flag: 'wx' })
    if (values.json !== true) print(`written to ${resolve(values.write)}; it is in force with FENGSUI_DISPATCH_PLAN and a restart`)
  }
  return all.some(one => one.after !== null) ? 0 : 1
}

if (import.meta.main) {
  try {
    process.exitCode = run(process.argv.slice(2), line => console.log(line))
  } catch (error) {
    process.exitCode = refused(error)
  }
}

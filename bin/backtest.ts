// `npm run backtest -- [--rules DIR] [--json] FILE...`: runs rules over recordings and says what they found, missed and made up.
// Truth stands beside each recording as NAME.truth.json. Exit 0 = every labelled fire found, 1 = one was missed, 2 = cannot run.
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createGunzip } from 'node:zlib'
import { noLog } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch } from '../dispatch/index.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../ingest/index.ts'
import { backtest, delaysOf, loadRuleSet, messagesOf, truthOf, type Backtest, type BacktestParts, type Recording } from '../rules/index.ts'

const USAGE = 'usage: npm run backtest -- [--rules DIR] [--json] FILE.jsonl[.gz]...'
const RECORDING = /\.jsonl(\.gz)?$/

/** Real decoding and a real queue in memory, as the alarm path has them. */
export async function backtestParts(): Promise<BacktestParts> {
  const decoders = await loadDecoders()
  return {
    decoder() {
      const catalogue = createCatalogue({ decoders })
      const directory = createDirectory({})
      return message => catalogue.decode(message).readings.map(reading => directory.apply(reading).reading)
    },
    queue: clock => openDispatch({ file: ':memory:', clock, log: noLog, meter: noMeter }),
    stopwatchMs: () => performance.now(),
  }
}

/** npm moves to the package's folder; a path may also be relative to where npm was called. */
const located = (path: string): string => (existsSync(path) ? resolve(path) : resolve(process.env['INIT_CWD'] ?? '.', path))

/** @throws FengsuiError invalid-request */
export function openRecording(file: string): Recording {
  const path = located(file)
  if (!RECORDING.test(path) || !existsSync(path))
    throw new FengsuiError('invalid-request', `${file}: no such recording (*.jsonl or *.jsonl.gz)`)
  const truthFile = path.replace(RECORDING, '.truth.json')
  return {
    name: basename(path).replace(RECORDING, ''),
    messages: messagesOf(file, linesOf(path)),
    ...(existsSync(truthFile) && { truth: truthOf(readFileSync(truthFile, 'utf8'), truthFile) }),
  }
}

/** Opens the file only when it is read: an interface that waits for its turn would lose its lines. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const raw = createReadStream(path)
  yield* createInterface({ input: path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw, crlfDelay: Infinity })
}

function table(result: Backtest, recordings: Recording[]): string {
  const seconds = (s: number | null) => (s === null ? '-' : s.toFixed(0))
  const rows = result.recordings.flatMap((score, i) => {
    const truth = recordings[i]?.truth
    const counts = [
      score.alarms.length,
      score.incidents.length,
      score.sensorFaults.length,
      truth === undefined ? 'no truth' : score.falseAlarms.length,
    ]
    const fires = truth === undefined ? [] : delaysOf(score, truth)
    if (fires.length === 0) return [[score.name, '-', '', '', ...counts]]
    return fires.map(f => [
      score.name,
      f.afterS === null ? 'MISSED' : seconds(f.afterS),
      seconds(f.confirmedAfterS),
      f.fire.what,
      ...counts,
    ])
  })
  const head = ['recording', 'found after s', 'confirmed s', 'fire', 'alarms', 'incidents', 'sensor faults', 'false alarms']
  const lines = [head, ...rows].map(row => row.map(String))
  const widths = head.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The exit code; lines go to `print`, what cannot be run is thrown. @throws FengsuiError invalid-request, rules-invalid */
export async function run(args: string[], print: (line: string) => void): Promise<number> {
  const options = { rules: { type: 'string' }, json: { type: 'boolean' } } as const
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  if (positionals.length === 0) throw new FengsuiError('invalid-request', USAGE)
  const rules = values.rules === undefined ? join(import.meta.dirname, '../rules/sets/default') : located(values.rules)
  const ruleSet = await loadRuleSet(rules)
  const recordings = positionals.map(file => openRecording(file))
  const result = await backtest(ruleSet, recordings, await backtestParts())
  if (values.json === true) print(JSON.stringify(result, null, 1))
  else {
    print(table(result, recordings))
    for (const { name, falseAlarms } of result.recordings)
      for (const f of falseAlarms) print(`${name}: FALSE ${f.rule} at ${f.raisedAt}: ${f.cause}`)
    print(`rules ${ruleSet.name} ${ruleSet.version}, alarm log ${result.logHash.slice(0, 16)}, ${result.readingsPerSecond} readings/s`)
  }
  return result.recordings.some(r => r.missed.length > 0) ? 1 : 0
}

if (import.meta.main) {
  try {
    process.exitCode = await run(process.argv.slice(2), line => console.log(line))
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
  }
}

// A candidate beside the flows in force: it follows the live feed under names of its own, and what it would raise goes to a side table, never
// to the queue. Kept on disk with its table, so a restart goes on. The report says what it would have missed and what it would have added.
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Bounds } from './bounds.ts'
import { startChild, type Child } from './child.ts'
import type { Change } from './diff.ts'
import { createEar, type Answers } from './hear.ts'
import type { FlowNode, Start } from './link.ts'
import type { ScenarioResult } from './gate.ts'
import { writeTextDurably } from './store.ts'
import type { TrialAlarm } from './trials.ts'

export type Candidate = { flows: FlowNode[]; rev: string; by: string; since: string; results: ScenarioResult[]; changes: Change[] }
/** An alarm of the queue, as much of it as the report needs. */
export type QueueAlarm = { id: string; origin: string; kind: string; subject: string; raisedAt: string }
export type ShadowReport = {
  rev: string
  by: string
  since: string
  running: boolean
  problem: string | null
  alarms: number
  same: number
  wouldHaveMissed: QueueAlarm[]
  wouldHaveAdded: TrialAlarm[]
}

const ALARMS_MAX = 10_000
const RESTART_MS_MAX = 30_000
const SAME_WITHIN_MS = 600_000

export type Shadow = {
  candidate(): Candidate | null
  begin(candidate: Candidate): void
  end(): Promise<void>
  alarms(): readonly TrialAlarm[]
  status(): { running: boolean; problem: string | null }
  close(): Promise<void>
}

export function openShadow(o: { dir: string; start: Start; bounds: Bounds; clock: Clock; log: Log }): Shadow {
  mkdirSync(o.dir, { recursive: true })
  const scratch = join(o.dir, 'scratch')
  const file = join(o.dir, 'candidate.json')
  const table = join(o.dir, 'alarms.jsonl')
  let candidate = readCandidate(file, o.log)
  let alarms: TrialAlarm[] = existsSync(table) ? readTable(table) : []
  let child: Child | null = null
  let running = false
  let problem: string | null = null
  let stop = new AbortController()
  let life: Promise<void> = Promise.resolve()
  /** one candidate ends before the next begins */
  let turn: Promise<void> = Promise.resolve()

  async function live(signal: AbortSignal): Promise<void> {
    mkdirSync(scratch, { recursive: true })
    writeFileSync(join(scratch, 'package.json'), '{}\n')
    const answers = { getFlows: () => ({ flows: candidate?.flows ?? [], rev: candidate?.rev ?? '' }) } as unknown as Answers
    const hear = createEar({ log: o.log, answers, started: () => {}, feed: state => void (problem = state.problem ?? null) })
    for (let delayMs = 500; !signal.aborted; delayMs = Math.min(delayMs * 2, RESTART_MS_MAX)) {
      const one = startChild({
        start: { ...o.start, userDir: scratch, trial: 'shadow' },
        bounds: o.bounds,
        on(message) {
          const said = message as { type?: string; alarm?: TrialAlarm }
          if (said.type === 'ready') running = true
          if (said.type === 'shadow' && said.alarm !== undefined) {
            if (!signal.aborted) take(said.alarm)
          } else hear(message, answer => one.send(answer))
        },
      })
      child = one
      if (signal.aborted) one.kill()
      const how = await one.ended
      running = false
      child = null
      if (signal.aborted) return
      problem = how
      o.log.warn({ room: 'flows', how }, 'the flows in shadow ended; those in force do not notice')
      await sleep(delayMs, undefined, { signal }).catch(() => {})
    }
  }

  /** Called from a message of the child: nothing may be thrown here, it would end the process that watches over all others. */
  function take(alarm: TrialAlarm): void {
    if (alarms.length >= ALARMS_MAX || alarms.some(known => known.key === alarm.key)) return
    alarms.push(alarm)
    try {
      appendFileSync(table, `${JSON.stringify(alarm)}\n`)
    } catch (error) {
      problem = `alarms in shadow are not written down, a restart forgets them: ${(error as Error).message}`
    }
  }
  function begin(): void {
    stop = new AbortController()
    problem = null
    life = live(stop.signal).catch((error: unknown) => {
      running = false
      problem = error instanceof Error ? error.message : String(error)
      o.log.error({ err: error, room: 'flows' }, 'the flows in shadow cannot be run; those in force go on')
    })
  }
  async function halt(): Promise<void> {
    stop.abort()
    child?.kill()
    await life
  }

  if (candidate !== null) begin()
  return {
    candidate: () => candidate,
    begin(next) {
      // refused as a whole where it cannot be written: the candidate before it goes on
      writeTextDurably(file, `${JSON.stringify(next)}\n`)
      rmSync(table, { force: true })
      candidate = next
      alarms = []
      turn = turn.then(halt).then(() => {
        if (candidate === next) begin()
      })
    },
    async end() {
      candidate = null
      turn = turn.then(halt)
      await turn
      if (candidate !== null) return // another one was put in its place meanwhile
      alarms = []
      rmSync(file, { force: true })
      rmSync(table, { force: true })
    },
    alarms: () => alarms,
    status: () => ({ running, problem }),
    async close() {
      turn = turn.then(halt)
      await turn
    },
  }
}

/** The queue's id of a flow's alarm, made of its key as dispatch makes it. */
export const queueIdOf = (key: string): string =>
  `post-${createHash('sha256')
    .update(JSON.stringify(['flow', key]))
    .digest('hex')
    .slice(0, 24)}`

/** First those of the same key, then of the same kind and subject within ten minutes. */
export function comparedWith(
  live: readonly QueueAlarm[],
  shadow: readonly TrialAlarm[],
): Pick<ShadowReport, 'same' | 'wouldHaveMissed' | 'wouldHaveAdded'> {
  const left = new Map(live.map(alarm => [alarm.id, alarm]))
  const added: TrialAlarm[] = []
  let same = 0
  for (const alarm of shadow) {
    const id = queueIdOf(alarm.key)
    if (left.delete(id)) same++
    else added.push(alarm)
  }
  const wouldHaveAdded = added.filter(alarm => {
    const near = [...left.values()].find(
      other =>
        other.kind === alarm.kind &&
        other.subject === alarm.subject &&
        Math.abs(Date.parse(other.raisedAt) - Date.parse(alarm.at)) <= SAME_WITHIN_MS,
    )
    if (near === undefined) return true
    left.delete(near.id)
    same++
    return false
  })
  return { same, wouldHaveMissed: [...left.values()], wouldHaveAdded }
}

/** One that cannot be read is put aside: it must not keep the flows in force from starting. */
function readCandidate(file: string, log: Log): Candidate | null {
  if (!existsSync(file)) return null
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Candidate
  } catch (error) {
    log.error({ err: error, room: 'flows', file }, 'the candidate cannot be read; it is kept as .broken and runs no more')
    renameSync(file, `${file}.broken`)
    return null
  }
}

const readTable = (file: string): TrialAlarm[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap(line => {
      try {
        return line === '' ? [] : [JSON.parse(line) as TrialAlarm]
      } catch {
        return [] // the last line of a process that was killed
      }
    })

// The way of an alarm: journal -> decode -> directory -> rules -> dispatch, one transaction for what was raised, position included.
// It waits for nothing but the journal and its own database; the reading store, browsers and Node-RED are not on this path.
import type { Alarm, AlarmSignal } from '#contracts/alarm.ts'
import type { Clock } from '#contracts/clock.ts'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Trouble } from '#contracts/live.ts'
import type { Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Order } from '#contracts/order.ts'
import type { StateRows } from '#contracts/state-rows.ts'
import { judgeMessage, type JudgingParts } from './judging.ts'
import type { Keeping, KeptPortion } from './keeping.ts'
import { readPastDamage, type PastDamageParts } from './past-damage.ts'

type Trace = { brokerAt: string; diskAt: string; ruleAt: string }
type Commit = {
  position: number
  signals: { signal: AlarmSignal; trace: Trace }[]
  rows: { room: string; rows: StateRows }[]
  kept: KeptPortion[]
}

export type AlarmPathParts = JudgingParts &
  PastDamageParts & {
    reader: { head(): number }
    directory: { touched(): Device[] }
    keeping: Keeping
    dispatch: { position(): number; commit(o: Commit): { alarms: Alarm[]; incidents: Incident[]; orders: Order[] } }
    clock: Clock
    meter: Meter
    changed(changes: { alarms: Alarm[]; incidents: Incident[]; orders: Order[]; devices: Device[] }): void
    /** a message that a decoder or a rule broke on; it is kept aside and the path goes on with the next */
    failed(message: Message, error: Error): void
  }
type Folded = { signals: Commit['signals']; last: Message }
type Pending = Commit & { last?: Message; taken?: () => void }
type Change = { work: (position: number) => Commit['rows']; resolve(position: number): void; reject(error: unknown): void }

export type AlarmPath = {
  /** the journal reaches so far now, where that is known */
  wake(head?: number): void
  /** commits what is folded now and keeps the state of all rooms at that place; throws what the commit throws */
  save(): void
  /** journal place up to which messages are judged; after a kill some are judged again */
  position(): number
  /** What the rules found between two messages (a device was taken off the register): committed with the message in hand, or the next. */
  add(signals: AlarmSignal[]): void
  /**
   * Does `work` when all messages up to `position` are committed and none behind it is folded: other rules, for one. What it answers
   * is stored at that position with the rules' own rows. Resolves when that is on disk; rejects, with nothing stored, when `work` throws.
   */
  between(work: (position: number) => Commit['rows']): Promise<number>
  status(): { position: number; head: number; ok: boolean; detail: string; troubles: Trouble[] }
  close(): Promise<void>
}

/** messages folded in one transaction; bounds the time to the next look at the clock */
const BATCH_MESSAGES = 500
/** a lost wake-up costs at most this much */
const POLL_MS = 200
/** readings that raised nothing, and repeats of what was raised, are shown at most this long after they were folded */
const QUIET_MS = 50
/** a batch that could not be committed is tried again after this long: the same batch, since the rules' memory holds it already */
const RETRY_MS = 1000
/** messages that lie on disk this long before the rules have read them are late alarms, and said to be */
const LATE_MS = 10_000

export function startAlarmPath(parts: AlarmPathParts): AlarmPath {
  const { reader, dispatch, clock, log, meter } = parts
  let position = dispatch.position()
  let head = position
  /** folded and not committed yet */
  let folded: Folded | null = null
  /** what could not be committed, tried again as it is; nothing is read before it is */
  let pending: Pending | null = null
  /** added while no message was in hand; the state that made them is not kept before they are committed; few: people take devices off the register, and the edge's clock is a message too */
  const added: AlarmSignal[] = []
  /** waiting for the moment between two messages; a person or a folder asks for each, one at a time */
  const changes: Change[] = []
  /** the fold was changed from outside the journal: its state is kept with the next commit */
  let mustKeep = false
  let committedAtMs = -Infinity
  let lateMs = 0
  let failure: string | null = null
  let retryAtMs = -Infinity
  let broken = 0
  /** readings of the batch in hand */
  let evaluated = 0
  /** why nobody knows where the journal ends */
  let blind: string | null = null
  const journal = readPastDamage(parts)
  let awake = false
  /** how far the journal reaches as whoever writes it said; it may not say */
  let told = 0
  let closed = false
  let turn: Promise<void> = Promise.resolve()
  let quiet: NodeJS.Timeout | undefined

  function put(found: AlarmSignal[], message: Message, signals: Commit['signals']): void {
    for (const signal of found) {
      signals.push({
        signal,
        trace: { brokerAt: iso(message.receivedAtMs), diskAt: iso(message.committedAtMs), ruleAt: iso(clock.nowMs()) },
      })
    }
  }

  function foldMessage(message: Message, signals: Commit['signals']): void {
    const { readings, problem } = judgeMessage(parts, message, found => put(found, message, signals))
    evaluated += readings
    if (problem !== undefined) keepAside(message, problem)
  }

  /** Quarantine is a convenience here: where it cannot be written, the alarms go on and the journal still has the message. */
  function keepAside(message: Message, problem: unknown): void {
    broken += 1
    const error = problem instanceof Error ? problem : new Error(String(problem))
    try {
      parts.failed(message, error)
    } catch (unkept) {
      log.error({ err: unkept, seq: message.seq, reason: error.message }, 'a message broke a rule and could not be put in quarantine')
    }
  }

  function fold(messages: Message[]): void {
    const [first] = messages
    const last = messages.at(-1)
    if (first === undefined || last === undefined) return
    folded = { signals: folded?.signals ?? [], last }
    put(added.splice(0), first, folded.signals)
    evaluated = 0
    for (const message of messages) foldMessage(message, folded.signals)
    if (evaluated > 0) meter.count('fengsui_readings_evaluated_total', {}, evaluated)
  }

  /** What is new to somebody is committed at once. A detector that goes on saying the same is not: each repeat would cost a sync of the disk. */
  const isDue = ({ signals }: Folded): boolean =>
    signals.some(({ signal }) => isNews(signal)) || performance.now() - committedAtMs >= QUIET_MS

  function sealed({ signals, last }: Folded): Pending {
    const kept = mustKeep ? parts.keeping.all(last.seq) : []
    mustKeep = false
    return { position: last.seq, signals, rows: [], kept, last }
  }

  /** Where nothing was raised there is nothing to store: after a kill these messages are judged again. */
  function commit({ last, taken, ...batch }: Pending): void {
    const isQuiet = batch.signals.length + batch.rows.length + batch.kept.length === 0
    const made = isQuiet ? NOTHING : dispatch.commit(batch)
    pending = null
    committedAtMs = performance.now()
    position = batch.position
    if (last !== undefined) lateMs = clock.nowMs() - last.committedAtMs
    taken?.()
    parts.changed({ ...made, devices: parts.directory.touched() })
  }

  /** A portion of the state at a time, between which alarms go on. */
  function keepOn(): void {
    const { keeping } = parts
    if (folded === null && added.length === 0 && keeping.isDue(position)) keeping.begin(position)
    if (!keeping.isPortionDue()) return
    const startedMs = performance.now()
    pending = { position, signals: [], rows: [], kept: [keeping.portion()] }
    commit(pending)
    keeping.spent(performance.now() - startedMs)
  }

  /** A change keeps all state, and so waits for what was added: the edge's clock commits it soon where devices are silent. */
  const mayTurn = (): boolean => changes.length > 0 && added.length === 0

  /** First what was folded under the old rules is committed, then the change by itself. */
  function turnOver(): void {
    if (pending !== null) return
    if (folded !== null) {
      pending = sealed(folded)
      folded = null
      return
    }
    const change = changes.shift()
    if (change === undefined) return
    try {
      const rows = change.work(position)
      pending = { position, signals: [], rows, kept: parts.keeping.all(position), taken: () => change.resolve(position) }
    } catch (error) {
      change.reject(error)
    }
  }

  function readNext(): Message[] {
    if (folded !== null) return readBehind(folded.last.seq)
    const { messages, over } = journal.read(position, BATCH_MESSAGES)
    if (over !== undefined) {
      dispatch.commit({ position: over.lastSeq, signals: [], rows: [], kept: [] })
      position = over.lastSeq
    }
    return messages
  }

  /** Where the batch in hand lies before damage, that is met when it is committed. */
  function readBehind(seq: number): Message[] {
    try {
      return reader.read(seq, BATCH_MESSAGES)
    } catch {
      return []
    }
  }

  /** Where nobody can say how long the journal is, what can be read of it is judged and committed all the same. */
  function look(): void {
    try {
      head = reader.head()
      blind = null
    } catch (error) {
      blind = reasonOf(error)
    }
  }

  function readAndFold(): void {
    if (pending !== null) return
    fold(readNext())
  }

  /** Nothing more is known to lie in the journal. What could not be read is not looked for at once: the next turn finds it. */
  const hasRead = (after: number): boolean => {
    const at = folded?.last.seq ?? position
    return at === after || (at >= told && at - after < BATCH_MESSAGES)
  }

  function commitFolded(): void {
    if (pending === null && folded !== null) {
      pending = sealed(folded)
      folded = null
    }
    if (pending !== null) commit(pending)
  }

  function save(): void {
    // what could not be committed before, and what was folded behind it: else the state would be kept at a place that it is ahead of
    while (pending !== null || folded !== null) commitFolded()
    // kept with the message that commits them; until then a restart does what made them again
    if (added.length > 0) return
    pending = { position, signals: [], rows: [], kept: parts.keeping.all(position) }
    commit(pending)
  }

  async function drain(): Promise<void> {
    while (!closed) {
      const before = folded?.last.seq ?? position
      if (mayTurn()) turnOver()
      else readAndFold()
      if (pending !== null || (folded !== null && isDue(folded))) commitFolded()
      keepOn()
      if (failure !== null) log.info({ position }, 'the alarm path goes on')
      failure = null
      if (!mayTurn() && !parts.keeping.isPortionDue() && hasRead(before)) break
      await new Promise(setImmediate)
    }
    commitLater()
  }

  /** What raised nothing and is not committed yet must not wait for the next message. */
  function commitLater(): void {
    if (folded === null || quiet !== undefined) return
    quiet = setTimeout(() => {
      quiet = undefined
      wake()
    }, QUIET_MS)
  }

  /** The process stays, so that people can still see and handle what is in the queue, and /readyz can say what is wrong. */
  function failed(error: unknown): void {
    const reason = reasonOf(error)
    if (failure !== reason) log.error({ err: error, position }, 'the alarm path stands still; it tries again every second')
    failure = reason
    retryAtMs = performance.now() + RETRY_MS
  }

  const wake = (head = 0) => {
    told = Math.max(told, head)
    if (awake || closed || performance.now() < retryAtMs) return
    awake = true
    turn = drain()
      .catch(failed)
      .finally(() => {
        awake = false
      })
  }
  const poll = setInterval(() => wake(), POLL_MS)
  wake()

  /** Why new alarms do not appear in time; null = they do. */
  function delay(): string | null {
    if (failure !== null) return `stands still at ${position}: ${failure}`
    if (blind !== null) return `at ${position}; where the journal ends cannot be read: ${blind}`
    // somebody put another journal in its place: its messages carry numbers that were read long ago
    if (head < position) return `the journal ends at ${head}, but ${position} was read already: no new message is looked at`
    return head > position && lateMs > LATE_MS ? `${head - position} messages behind, ${Math.round(lateMs / 1000)} s late` : null
  }

  /** What is wrong, gravest first; null = nothing. */
  function problem(): string | null {
    const late = delay()
    if (late !== null) return late
    return broken > 0 ? `at ${position}; ${broken} messages broke a decoder or rule, see quarantine` : null
  }

  return {
    wake,
    save,
    position: () => position,
    add(signals) {
      mustKeep = true
      if (folded === null) added.push(...signals)
      else put(signals, folded.last, folded.signals)
    },
    between: work =>
      new Promise((resolve, reject) => {
        changes.push({ work, resolve, reject })
        wake()
      }),
    status() {
      look()
      const wrong = problem()
      const where = head > position ? `${head - position} messages behind` : `at ${position}`
      const passed = journal.passed()
      const lost =
        passed.messages > 0 ? `; ${passed.messages} messages passed over, last the damaged ${passed.last}: no rule has seen them` : ''
      const troubles: Trouble[] = [...(lost === '' ? [] : ['passed-over' as const]), ...(delay() === null ? [] : ['late' as const])]
      return { position, head, ok: wrong === null && lost === '', detail: `${wrong ?? where}${lost}`, troubles }
    },
    async close() {
      closed = true
      clearInterval(poll)
      clearTimeout(quiet)
      await turn
      try {
        // the next start has nothing to judge again
        save()
      } catch (error) {
        log.warn({ err: error, position }, 'the state of the rules could not be kept on closing; the next start judges some messages again')
      }
      for (const { reject } of changes)
        reject(new FengsuiError('room-unavailable', 'the alarm path was closed before the rules could change'))
    },
  }
}

const isNews = (signal: AlarmSignal): boolean => signal.type !== 'update' || signal.severity !== undefined
const NOTHING = { alarms: [], incidents: [], orders: [] }
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const iso = (ms: number): string => new Date(ms).toISOString()

// The way of an alarm: journal -> decode -> directory -> rules -> dispatch, one transaction a batch, position included.
// It waits for nothing but the journal and its own database; the reading store, browsers and Node-RED are not on this path.
import type { Alarm, AlarmSignal } from '#contracts/alarm.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Device } from '#contracts/device.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Decoded, Reading } from '#contracts/reading.ts'

type StateRows = [key: string, json: string | null][]
type Trace = { brokerAt: string; diskAt: string; ruleAt: string }
type Commit = { position: number; signals: { signal: AlarmSignal; trace: Trace }[]; rows: { room: string; rows: StateRows }[] }

export type AlarmPathParts = {
  reader: { read(afterSeq: number, maxMessages: number): Message[]; head(): number }
  catalogue: { decode(message: Message): Decoded; dirty(): StateRows }
  directory: { apply(reading: Reading): { reading: Reading }; dirty(): StateRows; touched(): Device[] }
  fold: { apply(reading: Reading, seq: number): AlarmSignal[]; dirty(): StateRows }
  dispatch: { position(): number; commit(o: Commit): { alarms: Alarm[]; incidents: Incident[] } }
  clock: Clock
  log: Log
  meter: Meter
  changed(changes: { alarms: Alarm[]; incidents: Incident[]; devices: Device[] }): void
  /** a message that a decoder or a rule broke on; it is kept aside and the path goes on with the next */
  failed(message: Message, error: Error): void
}

export type AlarmPath = {
  /** a newer head was committed */
  wake(): void
  status(): { position: number; head: number; ok: boolean; detail: string }
  close(): Promise<void>
}

/** messages folded in one transaction; bounds the time to the next look at the clock */
const BATCH_MESSAGES = 500
/** a lost wake-up costs at most this much */
const POLL_MS = 200

export function startAlarmPath(parts: AlarmPathParts): AlarmPath {
  const { reader, dispatch, clock, meter } = parts
  let position = dispatch.position()
  let failure: string | null = null
  let broken = 0
  let awake = false
  let closed = false
  let turn: Promise<void> = Promise.resolve()

  function foldMessage(message: Message, signals: Commit['signals']): void {
    for (const decoded of parts.catalogue.decode(message).readings) {
      const { reading } = parts.directory.apply(decoded)
      for (const signal of parts.fold.apply(reading, message.seq)) {
        signals.push({
          signal,
          trace: { brokerAt: iso(message.receivedAtMs), diskAt: iso(message.committedAtMs), ruleAt: iso(clock.nowMs()) },
        })
      }
      meter.count('fengsui_readings_evaluated_total')
    }
  }

  function foldBatch(messages: Message[]): void {
    const signals: Commit['signals'] = []
    for (const message of messages) {
      // one bad message must not stop the alarms behind it
      try {
        foldMessage(message, signals)
      } catch (error) {
        broken += 1
        parts.failed(message, error as Error)
      }
    }
    const last = messages.at(-1)
    if (!last) return
    const rows = [
      { room: 'catalogue', rows: parts.catalogue.dirty() },
      { room: 'directory', rows: parts.directory.dirty() },
      { room: 'rules', rows: parts.fold.dirty() },
    ]
    const changes = dispatch.commit({ position: last.seq, signals, rows })
    position = last.seq
    for (const { signal, trace } of signals) {
      if (signal.type === 'raise') meter.observe('fengsui_alarm_latency_seconds', (clock.nowMs() - Date.parse(trace.brokerAt)) / 1000)
    }
    parts.changed({ ...changes, devices: parts.directory.touched() })
  }

  async function drain(): Promise<void> {
    while (!closed) {
      const messages = reader.read(position, BATCH_MESSAGES)
      meter.gauge('fengsui_journal_lag', reader.head() - position, { consumer: 'rules' })
      if (messages.length === 0) break
      foldBatch(messages)
      failure = null
      await new Promise(setImmediate)
    }
  }

  const wake = () => {
    if (awake || closed) return
    awake = true
    turn = drain()
      .catch((error: Error) => {
        // memory may be ahead of the database now: say so, and let the supervisor start this process from what is on disk
        failure = error.message
        parts.log.error({ err: error, position }, 'the alarm path failed; it starts again from the last committed position')
        setImmediate(() => {
          throw error
        })
      })
      .finally(() => {
        awake = false
      })
  }
  const poll = setInterval(wake, POLL_MS)
  wake()

  return {
    wake,
    status() {
      const head = reader.head()
      const where = head > position ? `${head - position} messages behind` : `at ${position}`
      const detail = failure ?? (broken > 0 ? `${where}; ${broken} messages broke a decoder or rule, see quarantine` : where)
      return { position, head, ok: failure === null && broken === 0, detail }
    },
    async close() {
      closed = true
      clearInterval(poll)
      await turn
    },
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()

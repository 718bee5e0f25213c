// Readings, messages and a journal in memory for the tests of this room.
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import type { Reading } from '#contracts/reading.ts'

export const T0 = Date.parse('2026-01-01T00:00:00.000Z')

export function reading(o: Partial<Reading> & { atMs?: number } = {}): Reading {
  const { atMs = T0, ...rest } = o
  const at = new Date(atMs).toISOString()
  return {
    deviceId: 'd1',
    kind: 'smoke',
    ts: at,
    tsSource: 'device',
    receivedAt: at,
    metrics: {},
    alarms: {},
    flags: {},
    source: { family: 'native' },
    ...rest,
  }
}

export function message(seq: number, topic: string, payload: unknown, o: Partial<Message> = {}): Message {
  return {
    seq,
    committedAtMs: T0 + seq,
    receivedAtMs: T0 + seq,
    identity: 'tester',
    clientId: 'c1',
    topic,
    qos: 1,
    retain: false,
    dup: false,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    ...o,
  }
}

export const native = (seq: number, body: object = {}, o: Partial<Message> = {}): Message =>
  message(
    seq,
    'fire/v1/smoke/s1/telemetry',
    { v: 1, deviceId: 's1', kind: 'smoke', ts: T0 + seq, metrics: { temperature_c: seq }, ...body },
    o,
  )

/** A journal that is a list; what is not listed has been deleted by retention. */
type Extent = { firstSeq: number; lastSeq: number }
type TestJournal = {
  messages: Message[]
  damaged: Extent[]
  read(after: number, max: number): Message[]
  groupAt(seq: number): Extent | undefined
  head(): number
}

/** A journal in memory; what is `damaged` reads as it does on disk: an error, and nothing behind it. */
export function journalOf(messages: Message[], damaged: Extent[] = []): TestJournal {
  const groupAt = (seq: number) => damaged.find(({ firstSeq, lastSeq }) => firstSeq <= seq && seq <= lastSeq)
  return {
    messages,
    damaged,
    groupAt,
    read(after, max) {
      const wanted = messages.filter(({ seq }) => seq > after).slice(0, max)
      const group = groupAt(after + 1)
      if (group !== undefined) throw new FengsuiError('journal-damaged', `group ${group.firstSeq}-${group.lastSeq}: CRC-32`)
      const end = wanted.findIndex(({ seq }) => groupAt(seq) !== undefined)
      return end < 0 ? wanted : wanted.slice(0, end)
    },
    head: () => messages.at(-1)?.seq ?? 0,
  }
}

/** Waits until `holds`, at most `withinMs`. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const endMs = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`did not happen within ${withinMs} ms: ${holds.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

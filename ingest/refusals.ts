// What the door refused, made visible without letting a flood of refusals slow the door: counted at once, added up by
// (code, sender, topic) in memory, logged once per key, written to quarantine a second later.
import type { Clock, Log } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import { createFirstTime } from './first-time.ts'
import type { DoorNote } from './quarantine.ts'

/** keys held between two flushes; refusals of further keys are counted under one key per code */
export const REFUSAL_KEYS_MAX = 1_000
const FLUSH_EVERY_MS = 1_000
const TEXT_CHARS_MAX = 512

export type Refused = {
  code: string
  reason: string
  identity?: string
  clientId?: string
  topic?: string
  payload?: Uint8Array
  /** where it came from, as a proxy says; logged, not kept */
  address?: string
  atMs: number
}

export type Refusals = { add(r: Refused): void; flush(): void; close(): void }

type Parts = { quarantine: { note(notes: readonly DoorNote[]): void }; log: Log; meter: Meter; clock: Clock }
type Sum = Refused & { count: number; lastMs: number }

export function createRefusals({ quarantine, log, meter, clock }: Parts): Refusals {
  let sums = new Map<string, Sum>()
  const isFirst = createFirstTime()

  const flush = (): void => {
    if (sums.size === 0) return
    const notes = [...sums.values()].map(noteOf)
    try {
      quarantine.note(notes)
      sums = new Map()
    } catch (error) {
      // kept for the next flush; the bound on keys holds meanwhile
      log.error(
        { err: error, keys: notes.length, atMs: clock.nowMs() },
        'refusals could not be written to quarantine; they are tried again',
      )
    }
  }
  const timer = setInterval(flush, FLUSH_EVERY_MS)
  timer.unref()

  return {
    add(refused) {
      meter.count('fengsui_mqtt_refused_total', { code: refused.code })
      const own = [refused.code, refused.identity, refused.clientId, refused.topic].join('\n')
      const isFull = sums.size >= REFUSAL_KEYS_MAX && !sums.has(own)
      const key = isFull ? refused.code : own
      const sum = sums.get(key)
      if (sum === undefined) sums.set(key, { ...(isFull ? crowd(refused) : short(refused)), count: 1, lastMs: refused.atMs })
      else Object.assign(sum, { count: sum.count + 1, lastMs: refused.atMs })
      if (!isFirst(own)) return
      const { payload: _, ...fields } = short(refused)
      log.warn(fields, 'refused at the door; further ones of this kind are counted, not logged')
    },
    flush,
    close() {
      clearInterval(timer)
      flush()
    },
  }
}

const crowd = ({ code, atMs }: Refused): Refused => ({ code, reason: 'more senders than are told apart', atMs })

function short(refused: Refused): Refused {
  const cut = <K extends string>(name: K, text: string | undefined): Partial<Record<K, string>> =>
    text === undefined ? {} : ({ [name]: text.slice(0, TEXT_CHARS_MAX) } as Partial<Record<K, string>>)
  const { code, atMs, payload } = refused
  return {
    code,
    atMs,
    reason: refused.reason.slice(0, TEXT_CHARS_MAX),
    ...cut('identity', refused.identity),
    ...cut('clientId', refused.clientId),
    ...cut('topic', refused.topic),
    ...cut('address', refused.address),
    ...(payload !== undefined && { payload }),
  }
}

function noteOf(sum: Sum): DoorNote {
  const { atMs, lastMs, address: _, ...note } = sum // the address is for the log only
  return { ...note, firstAt: new Date(atMs).toISOString(), lastAt: new Date(lastMs).toISOString() }
}

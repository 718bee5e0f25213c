// What a device sends with every message and nobody can read is told once a day, not each time: a camera repeats an event for as long as it
// lasts, a transmitter its maker's own frames for ever, and what else is in quarantine must not be pushed out by them. The readings are kept
// as they are; what is refused whole is told each time, because it stands nowhere else.
import type { Decoded } from '#contracts/reading.ts'
import { list } from './compose.ts'
import type { DecoderMemory } from './decoder.ts'

const DAY_MS = 86_400_000
/** reasons remembered of one device; further ones are told each time */
const REASONS_MAX = 16
const REASON_CHARS_MAX = 120

export function onceADay(decoded: Decoded, memory: DecoderMemory, receivedAtMs: number): Decoded {
  const [first] = decoded.readings
  if (first === undefined || decoded.notes === undefined) return decoded
  const key = `noted/${first.deviceId}`
  const day = Math.floor(receivedAtMs / DAY_MS)
  const [toldOn, ...told] = list(memory.get(key))
  const reasons = toldOn === day ? told.filter(one => typeof one === 'string') : []
  const short = (reason: string): string => reason.slice(0, REASON_CHARS_MAX)
  const notes = decoded.notes.filter(({ code, reason }) => code !== 'decoder-failed' || !reasons.includes(short(reason)))
  const added = notes.filter(({ code }) => code === 'decoder-failed').map(({ reason }) => short(reason))
  if (added.length > 0) memory.set(key, [day, ...new Set([...reasons, ...added])].slice(0, 1 + REASONS_MAX))
  const { notes: _, ...rest } = decoded
  return notes.length === 0 ? rest : { ...rest, notes }
}

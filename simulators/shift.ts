// Moves the times inside recorded payloads so that a replay looks as if it happened now: only `ts` of native messages, which is
// where native devices keep their time. Other families' payloads, and bytes recorded as base64, go out unchanged.
import { parseNativeTopic } from '#contracts/topic.ts'
import type { Recorded } from './recording.ts'

/** What a message's payload is when its recording is moved by `shiftMs`. */
export function shiftedPayload(message: Recorded, shiftMs: number): string | Uint8Array {
  if ('bytes' in message.body) return message.body.bytes
  const { json } = message.body
  if (parseNativeTopic(message.topic) === null || typeof json !== 'object' || json === null || Array.isArray(json))
    return JSON.stringify(json)
  return JSON.stringify({ ...json, ...shiftedTs((json as { ts?: unknown }).ts, shiftMs) })
}

/** Numbers stay epoch ms, texts stay RFC 3339; what is neither stays as it was for the decoder to judge. */
function shiftedTs(ts: unknown, shiftMs: number): { ts?: number | string } {
  if (typeof ts === 'number' && Number.isFinite(ts)) return { ts: Math.round(ts + shiftMs) }
  const ms = typeof ts === 'string' && /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/i.test(ts) ? Date.parse(ts) : NaN
  return Number.isNaN(ms) ? {} : { ts: new Date(ms + shiftMs).toISOString() }
}

/**
 * How far a recording moves. `offsetEndMs` is the length of the whole replay in its own time; the last message carries the time at
 * which it is sent. At speed 0 that is now: earlier messages then lie in the past by as much as they did in the recording.
 */
export const shiftFor = (o: { fileStartMs: number; offsetEndMs: number; speed: number; nowMs: number }): number =>
  o.nowMs + (o.speed > 0 ? o.offsetEndMs / o.speed : 0) - (o.fileStartMs + o.offsetEndMs)

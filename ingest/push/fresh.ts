// Is a signed message sent now, and for the first time? A signature proves who made a message, not when: without this, one that was once overheard
// could raise its alarm again for ever. What is signed too long ago is refused; what was heard before is answered as it was, and not kept twice.
import type { Clock } from '#contracts/clock.ts'
import { isRecord, num, type JsonObject } from '../compose.ts'
import { parseJson } from '../json.ts'
import { PLATFORMS, type PushSource } from './config.ts'
import type { Asked } from './proof.ts'

/** Of requests whose time is made for them (header `t`): a forwarder signs each try anew. */
export const HMAC_AGE_S_MAX = 300
/** A clock that is ahead. */
const AHEAD_MS = 120_000
/** Signatures are remembered so long, unless that many others came in between. */
export const REMEMBERED_MS = 24 * 3_600_000
export const REMEMBERED_MAX = 50_000
const TIMES_MAX = 256

/** What is wrong with its time; undefined = nothing, or it bears none. */
export function staleness(source: PushSource, asked: Asked, nowMs: number): string | undefined {
  const { proof } = PLATFORMS[source.platform]
  const maxAgeS = source.maxAgeS ?? (proof === 'hmac' ? HMAC_AGE_S_MAX : undefined)
  const atMs = proof === 'token' ? undefined : proof === 'hmac' ? Number(asked.headers['t']) : oneNetTime(asked.body)
  if (maxAgeS === undefined || atMs === undefined) return undefined
  const ageMs = nowMs - atMs
  if (ageMs >= -AHEAD_MS && ageMs <= maxAgeS * 1000) return undefined
  const age = Number.isFinite(ageMs) ? `${Math.round(Math.abs(ageMs) / 1000)} s ${ageMs < 0 ? 'ahead' : 'ago'}` : 'at no time'
  return `signed ${age}: at most ${maxAgeS} s ago is taken`
}

/** The newest time under the signature: `at` of data points, `time` of Studio's properties and life cycle. */
function oneNetTime(body: Buffer): number | undefined {
  const parsed = parseJson(body)
  const given = parsed.ok && isRecord(parsed.value) ? parsed.value['msg'] : undefined
  const text = typeof given === 'string' ? parseJson(Buffer.from(given)) : undefined
  const inner: unknown = text === undefined ? given : text.ok ? text.value : undefined
  const messages = [inner].flat().filter(isRecord).slice(0, TIMES_MAX)
  const times = messages.flatMap(timesIn)
  return times.length === 0 ? undefined : Math.max(...times)
}

function timesIn(message: JsonObject): number[] {
  const data = message['data']
  const params = isRecord(data) && isRecord(data['params']) ? Object.values(data['params']).slice(0, TIMES_MAX) : []
  return [num(message, 'at'), num(data, 'time'), ...params.map(one => num(one, 'time'))].filter(ms => ms !== undefined)
}

export type Once = {
  /** `take` of what was heard before is not called again: its answer is the first one's. What could not be kept is not remembered. */
  do(key: string, take: () => Promise<void>): Promise<void>
}

export function createOnce(clock: Clock, most = REMEMBERED_MAX): Once {
  const heard = new Map<string, { atMs: number; done: Promise<void> }>()

  function forget(nowMs: number): void {
    for (const [key, { atMs }] of heard) {
      if (heard.size <= most && nowMs - atMs < REMEMBERED_MS) return
      heard.delete(key)
    }
  }
  return {
    do(key, take) {
      const nowMs = clock.nowMs()
      const known = heard.get(key)
      if (known !== undefined && nowMs - known.atMs < REMEMBERED_MS) return known.done
      const done = take()
      heard.delete(key)
      heard.set(key, { atMs: nowMs, done })
      forget(nowMs)
      done.catch(() => {
        if (heard.get(key)?.done === done) heard.delete(key)
      })
      return done
    },
  }
}

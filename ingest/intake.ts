// The door for what does not come over our own broker: TCP and UDP devices, HTTP pushes, streams of cameras, foreign brokers. The same
// admission as at the broker (size, rate, room), the same journal, the same list of refusals. It decodes nothing and keeps nothing: take()
// ends when the message is on disk, and only then may anybody be told so.
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'

/** `source` is who sent it, as far as that is known: it stands in the journal as identity, and its rate is its own. */
export type Arrival = {
  entrance: Entrance
  source: string
  clientId: string
  topic: string
  payload: Uint8Array
  retain?: boolean
  dup?: boolean
  /** waits for its turn instead of being refused: who speaks over a connection that can be left unread */
  isPatient?: boolean
}
export type Entrance = 'gbt26875' | 'dc09' | 'meokon' | 'mavlink' | 'push' | 'camera' | 'bridge'

export type Refusal = {
  code: ErrorCode
  reason: string
  identity?: string
  topic?: string
  payload?: Uint8Array
  address?: string
  atMs: number
}

export type Intake = {
  /** Resolves when it is on disk. @throws FengsuiError payload-too-large, too-many-requests, journal-unavailable, disk-reserve */
  take(arrival: Arrival): Promise<void>
  /** something that did not get so far: counted, and kept where people look */
  refuse(refusal: Omit<Refusal, 'atMs'>): void
}

/** What a port of a family needs. `isKnown`: may this device speak here; everybody where it is not given */
export type PortOptions = { host: string; port: number; intake: Intake; isKnown?(deviceId: string): boolean; clock: Clock; log: Log }

export type IntakeParts = {
  append(message: InboundMessage): Promise<unknown>
  refused(refusal: Refusal): void
  clock: Clock
  meter: Meter
  maxPayloadBytes: number
  /** messages a second of one source over a while; 0 = no limit */
  ratePerS: number
  bytesMax?: number
  sleep?(ms: number): Promise<void>
}

/** Bytes of all sources that wait for the disk; beyond it who cannot wait is refused. */
export const WAITING_BYTES_MAX = 16 * 1024 * 1024
/** A source may save up so many seconds of its rate. */
const BURST_S = 10
/** Sources whose rate is remembered; the one heard longest ago makes room, and begins anew with a full allowance. */
export const SOURCES_MAX = 20_000
const TOPIC_CHARS_MAX = 1_024
const NAME_CHARS_MAX = 256
const SAMPLE_BYTES = 4_096
const RETRY_MS = 20

export function createIntake(o: IntakeParts): Intake {
  const { clock, meter, bytesMax = WAITING_BYTES_MAX } = o
  const sleep = o.sleep ?? ((ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms)))
  const allowances = new Map<string, { saved: number; atMs: number }>()
  let waitingBytes = 0

  /** How long until this source may send one more; 0 = now, and it is taken. */
  function turnMs(source: string): number {
    if (o.ratePerS === 0) return 0
    const nowMs = clock.nowMs()
    const known = allowances.get(source) ?? { saved: o.ratePerS * BURST_S, atMs: nowMs }
    const saved = Math.min(o.ratePerS * BURST_S, known.saved + (Math.max(0, nowMs - known.atMs) / 1000) * o.ratePerS)
    allowances.delete(source)
    allowances.set(source, { saved: saved >= 1 ? saved - 1 : saved, atMs: nowMs })
    const [oldest] = allowances.keys()
    if (allowances.size > SOURCES_MAX && oldest !== undefined) allowances.delete(oldest)
    return saved >= 1 ? 0 : Math.ceil(((1 - saved) / o.ratePerS) * 1000)
  }

  async function admit({ source, payload, topic, isPatient = false }: Arrival): Promise<void> {
    if (payload.byteLength > o.maxPayloadBytes)
      throw new FengsuiError('payload-too-large', `a message of ${payload.byteLength} bytes; the bound is ${o.maxPayloadBytes}`)
    if (topic === '' || topic.length > TOPIC_CHARS_MAX || /[#+\0]/.test(topic) || topic.startsWith('$'))
      throw new FengsuiError('invalid-request', 'the topic is empty, too long, holds a wildcard or begins with $')
    for (;;) {
      const waitMs = waitingBytes > bytesMax ? RETRY_MS : turnMs(source)
      if (waitMs === 0) return
      if (!isPatient) throw new FengsuiError('too-many-requests', `${source.slice(0, 64)} sends more than is taken now`)
      await sleep(waitMs)
    }
  }

  const refuse: Intake['refuse'] = refusal => {
    const { payload, ...rest } = refusal
    o.refused({
      ...rest,
      ...(payload !== undefined && { payload: Uint8Array.from(payload.subarray(0, SAMPLE_BYTES)) }),
      atMs: clock.nowMs(),
    })
  }

  return {
    refuse,
    async take(arrival) {
      const { entrance, source, clientId, topic, payload, retain = false, dup = false } = arrival
      const bytes = payload.byteLength + topic.length
      let entered = 0
      try {
        await admit(arrival)
        waitingBytes += entered = bytes
        const message = {
          receivedAtMs: clock.nowMs(),
          identity: source.slice(0, NAME_CHARS_MAX),
          clientId: clientId.slice(0, NAME_CHARS_MAX),
        }
        await o.append({ ...message, topic, qos: 1, retain, dup, payload })
        meter.count('fengsui_entrance_messages_total', { entrance })
      } catch (error) {
        const code = error instanceof FengsuiError ? error.code : 'journal-unavailable'
        refuse({ code, reason: (error as Error).message, identity: source, topic: topic.slice(0, TOPIC_CHARS_MAX), payload })
        throw error instanceof FengsuiError ? error : new FengsuiError('journal-unavailable', (error as Error).message, { cause: error })
      } finally {
        waitingBytes -= entered
      }
    },
  }
}

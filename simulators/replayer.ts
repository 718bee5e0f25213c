// Publishes merged recordings over one connection: in order, at the recorded pace divided by speed, or as fast as acknowledged.
// One connection keeps the order of every device; a lost connection sends again from the oldest unacknowledged message.
import { parseNativeTopic } from '#contracts/topic.ts'
import type { Link, Outgoing } from './link.ts'
import { mergeRecordings, type Timed } from './recording.ts'
import { shiftedPayload, shiftFor } from './shift.ts'

export type Survey = {
  messages: number
  offsetEndMs: number
  fileStartMs: Map<string, number>
  /** native devices, with what their self-descriptions say */
  devices: Map<string, { kind: string; about: Record<string, unknown> | null }>
  /** first levels of topics that are not native: a credential needs a grant for each */
  foreign: Set<string>
}
export const IN_FLIGHT_MAX = 64
/** without a single acknowledgement for so long a replay gives up */
const PATIENCE_MS = 60_000

/** Reads everything once before anything is sent: a bad line anywhere stops the replay, and the time shift needs the end. */
export async function survey(files: readonly string[], limit: number): Promise<Survey> {
  const seen: Survey = { messages: 0, offsetEndMs: 0, fileStartMs: new Map(), devices: new Map(), foreign: new Set() }
  for await (const message of mergeRecordings(files)) {
    if (seen.messages >= limit) break
    seen.messages++
    seen.offsetEndMs = message.offsetMs
    if (!seen.fileStartMs.has(message.file)) seen.fileStartMs.set(message.file, message.receivedAtMs)
    note(seen, message)
  }
  return seen
}

function note(seen: Survey, message: Timed): void {
  const native = parseNativeTopic(message.topic)
  if (native === null) {
    seen.foreign.add(message.topic.split('/')[0] ?? '')
    return
  }
  const known = seen.devices.get(native.deviceId) ?? { kind: native.kind, about: null }
  if (native.channel === 'about' && 'json' in message.body && typeof message.body.json === 'object')
    known.about = message.body.json as Record<string, unknown>
  seen.devices.set(native.deviceId, known)
}

export type ReplayOptions = {
  files: readonly string[]
  found: Survey
  speed: number
  link: Link
  clock: { nowMs(): number }
  patienceMs?: number
  stopped(): boolean
  progress(sent: number): void
}
/** Answers how many were handed to the connection and how many of them were never acknowledged. */
export async function publishRecording(o: ReplayOptions): Promise<{ sent: number; unacknowledged: number }> {
  const startMs = o.clock.nowMs()
  const { offsetEndMs } = o.found
  const shifts = new Map(
    [...o.found.fileStartMs].map(([file, fileStartMs]) => [file, shiftFor({ fileStartMs, offsetEndMs, speed: o.speed, nowMs: startMs })]),
  )
  let sent = 0
  for await (const message of mergeRecordings(o.files)) {
    if (sent >= o.found.messages || o.stopped()) break
    const dueMs = o.speed > 0 ? startMs + message.offsetMs / o.speed : 0
    while (o.clock.nowMs() < dueMs && !o.stopped()) await pause(Math.min(250, dueMs - o.clock.nowMs()))
    if (!(await settled(o, IN_FLIGHT_MAX - 1))) break
    o.link.send(outgoing(message, shifts.get(message.file) ?? 0))
    o.progress(++sent)
  }
  await settled(o, 0)
  return { sent, unacknowledged: o.link.pending() + (o.found.messages - sent) }
}

/** Waits until at most `pendingMax` are unacknowledged; false = stopped, or nothing was acknowledged for too long. */
async function settled(o: ReplayOptions, pendingMax: number): Promise<boolean> {
  let pending = o.link.pending()
  let sinceMs = o.clock.nowMs()
  while (o.link.pending() > pendingMax) {
    if (o.stopped()) return false
    if (o.link.pending() < pending) {
      pending = o.link.pending()
      sinceMs = o.clock.nowMs()
    }
    if (o.clock.nowMs() - sinceMs > (o.patienceMs ?? PATIENCE_MS)) return false
    await Promise.race([o.link.change(), pause(500)])
  }
  return true
}

const outgoing = (message: Timed, shiftMs: number): Outgoing => {
  const payload = shiftedPayload(message, shiftMs)
  return { topic: message.topic, qos: message.qos, retain: message.retain, urgent: true, payload: () => payload }
}
const pause = (ms: number) => new Promise<void>(resolve => void setTimeout(resolve, ms))

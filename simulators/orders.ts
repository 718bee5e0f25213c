// What a station's terminal hears on its command topic, and what it says to that at once: an order is for its crew, everything else is only
// received. The steps after that are the crew's, and come as telemetry. Told twice it answers twice, and the crew is asked once.
import { nativeTopic } from '#contracts/topic.ts'
import type { Spot } from './district/read.ts'
import type { Outgoing } from './link.ts'
import type { Planned } from './plan.ts'

/** `event` "order" sends the crew, "order-ended" calls it back; `target` undefined = nobody knows where it is. */
export type Order = { event: 'order' | 'order-ended'; dispatchId: string; target: Spot | undefined }
export type Heard = { answer: Outgoing; order?: Order }

const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const orderIn = (command: Record<string, unknown>): Order | undefined => {
  if (command['command'] !== 'order') return undefined
  const { event, dispatchId, incident } = object(command['parameters'])
  if ((event !== 'order' && event !== 'order-ended') || typeof dispatchId !== 'string') return undefined
  const { lat, lon } = object(object(incident)['position'])
  return { event, dispatchId, target: typeof lat === 'number' && typeof lon === 'number' ? { lat, lon } : undefined }
}

export const commandTopic = ({ kind, deviceId }: Planned): string => nativeTopic({ kind, deviceId, channel: 'cmd' })

/** null where it is no command. */
export function heardIn({ kind, deviceId }: Planned, payload: Uint8Array): Heard | null {
  let command: Record<string, unknown>
  try {
    command = object(JSON.parse(Buffer.from(payload).toString()))
  } catch {
    return null
  }
  const { id } = command
  if (typeof id !== 'string') return null
  const order = orderIn(command)
  const answer: Outgoing = {
    topic: nativeTopic({ kind, deviceId, channel: 'ack' }),
    qos: 1,
    retain: false,
    urgent: true,
    payload: () => JSON.stringify({ v: 1, id, status: 'received' }),
  }
  return { answer, ...(order !== undefined && { order }) }
}

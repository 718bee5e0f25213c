// What devices answer on their ack topics: read, checked, and handed to whoever waits for it. An answer counts only from the device
// that was asked; what nobody asked for is no error, since a device may answer twice.
import { parseNativeTopic } from '#contracts/topic.ts'

export const ACK_STATUSES = ['received', 'heard', 'accepted', 'refused', 'done', 'failed'] as const
export type AckStatus = (typeof ACK_STATUSES)[number]
export type Ack = { id: string; deviceId: string; status: AckStatus; by?: string; reason?: string }

const ID_CHARACTERS_MAX = 200
const WORDS_CHARACTERS_MAX = 200
/** more than any acknowledgement needs */
const BYTES_MAX = 4096

const words = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? Array.from(value.trim()).slice(0, WORDS_CHARACTERS_MAX).join('') : undefined

/** null when it is no acknowledgement: not an ack topic, not JSON, no id. A status that is not known counts as received. */
export const ackOf = (topic: string, payload: Uint8Array): Ack | null => {
  if (!topic.endsWith('/ack')) return null
  const native = parseNativeTopic(topic)
  if (native === null || payload.byteLength > BYTES_MAX) return null
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { id, status, by, reason } = value as Record<string, unknown>
  if (typeof id !== 'string' || id === '' || id.length > ID_CHARACTERS_MAX) return null
  const [who, why] = [words(by), words(reason)]
  return {
    id,
    deviceId: native.deviceId,
    status: ACK_STATUSES.find(known => known === status) ?? 'received',
    ...(who !== undefined && { by: who }),
    ...(why !== undefined && { reason: why }),
  }
}

export type AckBoard = ReturnType<typeof createAckBoard>

/** Who waits for which answer; as many as there are sendings open. */
export const createAckBoard = () => {
  const waiting = new Map<string, { deviceId: string; resolve(answered: boolean): void }>()
  return {
    acknowledged: (id: string, deviceId: string, signal: AbortSignal): Promise<boolean> =>
      new Promise(resolve => {
        const end = (answered: boolean): void => {
          if (waiting.get(id)?.resolve === end) waiting.delete(id)
          signal.removeEventListener('abort', stopped)
          resolve(answered)
        }
        const stopped = (): void => end(false)
        waiting.set(id, { deviceId, resolve: end })
        signal.addEventListener('abort', stopped, { once: true })
        if (signal.aborted) stopped()
      }),
    hear(ack: Ack): void {
      const one = waiting.get(ack.id)
      if (one?.deviceId === ack.deviceId) one.resolve(true)
    },
    size: () => waiting.size,
  }
}

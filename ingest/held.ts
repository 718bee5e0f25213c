// What the store writer puts in quarantine: messages that no decoder could read or that carry a note, readings that the store
// refused. Everything in an entry comes from the journal, so a replay makes the same entry.
import type { Message } from '#contracts/message.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import type { Decoded } from '#contracts/reading.ts'
import { base64 } from './quarantine.ts'
import type { StoreEntry, StoreRefusal } from './stores/store.ts'

/** Readings that were kept may still carry notes; both kinds stand under the message's own place in the journal. */
export function heldOf(message: Message, decoded: Decoded): QuarantineEntry | undefined {
  const [first, ...more] = decoded.rejected === undefined ? (decoded.notes ?? []) : [decoded.rejected, ...(decoded.notes ?? [])]
  if (first === undefined) return undefined
  const at = new Date(message.receivedAtMs).toISOString()
  return {
    id: `q-${message.seq}`,
    source: 'decoder',
    code: first.code,
    reason: [first.reason, ...more.map(note => `${note.code}: ${note.reason}`)].join('; '),
    ...(first.where !== undefined && { where: first.where }),
    disposition: decoded.rejected === undefined ? 'kept-with-note' : 'held',
    identity: message.identity,
    clientId: message.clientId,
    topic: message.topic,
    seq: message.seq,
    count: 1,
    firstAt: at,
    lastAt: at,
    bytes: message.payload.byteLength,
    payloadBase64: base64(message.payload),
  }
}

export function refusedEntry({ seq, deviceId, reason }: StoreRefusal, entries: readonly StoreEntry[]): QuarantineEntry {
  const reading = entries.find(entry => entry.seq === seq && entry.reading.deviceId === deviceId)?.reading
  const bytes = Buffer.from(JSON.stringify(reading ?? {}))
  const at = reading?.receivedAt ?? new Date(0).toISOString()
  return {
    id: `s-${seq}-${deviceId}`,
    source: 'store',
    code: 'store-rejected',
    reason,
    disposition: 'held',
    ...(reading?.source.topic !== undefined && { topic: reading.source.topic }),
    seq,
    count: 1,
    firstAt: at,
    lastAt: at,
    bytes: bytes.byteLength,
    payloadBase64: base64(bytes),
  }
}

// What goes to quarantine: messages that no decoder could read or that carry a note, messages a rule broke on,
// readings that the store refused, groups of the journal that nobody can read. Everything in an entry comes from the journal, so a replay makes the same entry.
import type { Message } from '#contracts/message.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import type { Decoded } from '#contracts/reading.ts'
import { base64 } from './quarantine-rows.ts'
import { redriveOfClient } from './redrive.ts'
import type { StoreEntry, StoreRefusal } from './stores/store.ts'

/** Readings that were kept may still carry notes; both kinds stand under the message's own place in the journal. */
export function heldOf(message: Message, decoded: Decoded & { decoder?: string }): QuarantineEntry | undefined {
  const [first, ...more] = decoded.rejected === undefined ? (decoded.notes ?? []) : [decoded.rejected, ...(decoded.notes ?? [])]
  if (first === undefined) return undefined
  return {
    id: `q-${message.seq}`,
    code: first.code,
    reason: [first.reason, ...more.map(note => `${note.code}: ${note.reason}`)].join('; '),
    ...(first.where !== undefined && { where: first.where }),
    disposition: decoded.rejected === undefined ? 'kept-with-note' : 'held',
    ...(decoded.decoder !== undefined && { decoder: decoded.decoder }),
    ...whole(message),
  }
}

/** A message that broke a rule: set aside, so that the alarms behind it go on. */
export const brokenOf = (message: Message, error: Error): QuarantineEntry => ({
  id: `r-${message.seq}`,
  code: 'rule-failed',
  reason: error.message,
  disposition: 'held',
  ...whole(message),
})

export const passedOverId = (group: { firstSeq: number }): string => `g-${group.firstSeq}`

/** A damaged group that was passed over: there are no bytes to keep, only the numbers of the messages that it held. */
export const passedOverOf = (group: { firstSeq: number; lastSeq: number }, error: Error, nowMs: number): QuarantineEntry => {
  const at = new Date(nowMs).toISOString()
  return {
    id: passedOverId(group),
    source: 'decoder',
    code: 'journal-damaged',
    reason: `messages ${group.firstSeq}-${group.lastSeq} cannot be read: ${error.message}`,
    disposition: 'held',
    count: group.lastSeq - group.firstSeq + 1,
    firstAt: at,
    lastAt: at,
    bytes: 0,
  }
}

function whole(message: Message) {
  const at = new Date(message.receivedAtMs).toISOString()
  const redriveOf = redriveOfClient(message.clientId)
  return {
    source: 'decoder' as const,
    identity: message.identity,
    clientId: message.clientId,
    topic: message.topic,
    seq: message.seq,
    count: 1,
    firstAt: at,
    lastAt: at,
    bytes: message.payload.byteLength,
    payloadBase64: base64(message.payload),
    ...(redriveOf !== undefined && { redriveOf }),
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

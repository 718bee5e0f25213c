// What a crew says and shows from the scene beyond the steps of its order: that it needs help, that it found a false alarm, a picture.
// Each carries a key of the sender, so that sending it again over a bad line makes it once. The incident is not closed by it: a
// false alarm is a crew's finding, and an officer's decision.
import { createHash } from 'node:crypto'
import { FengsuiError } from '#contracts/errors.ts'
import { actorOf, NOTE_CHARACTERS_MAX, oneOf, optional, required } from './checks.ts'
import { isOpen } from './incident-states.ts'
import { existing } from './people-incidents.ts'
import { existingOrder } from './people-orders.ts'
import type { Picture } from './report-rows.ts'
import type { Turn } from './turn.ts'

export const REPORTS = ['need-help', 'found-false', 'picture'] as const
export type OrderReport = {
  by: string
  /** the account of a crew; absent = an officer for it */
  onlyFor?: string
  /** of the sender's making: the same report sent again is one report */
  key: string
  what: (typeof REPORTS)[number]
  note?: string
  /** a JPEG, PNG or WebP, base64 */
  picture?: string
}

const KEY_CHARACTERS_MAX = 100
/** A phone sends its picture made smaller; more than this is not taken. */
export const PICTURE_BYTES_MAX = 1024 * 1024
/** Of one order; a crew that sends more should telephone. */
const PICTURES_MAX = 20

const SIGNATURES: readonly (readonly [type: string, at: number, bytes: readonly number[]])[] = [
  ['image/jpeg', 0, [0xff, 0xd8, 0xff]],
  ['image/png', 0, [0x89, 0x50, 0x4e, 0x47]],
  ['image/webp', 8, [0x57, 0x45, 0x42, 0x50]],
]

/** What it is, is said by its first bytes, not by its sender. */
const pictureOf = (base64: string): Picture => {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length > PICTURE_BYTES_MAX)
    throw new FengsuiError('invalid-request', `picture has ${bytes.length} bytes, at most ${PICTURE_BYTES_MAX} are taken: make it smaller`)
  const found = SIGNATURES.find(([, at, sign]) => sign.every((byte, i) => bytes[at + i] === byte))
  if (found === undefined) throw new FengsuiError('invalid-request', 'picture is no JPEG, PNG or WebP in base64')
  return { type: found[0], bytes }
}

export const reportOnOrder = (turn: Turn, orderId: string, o: OrderReport): void => {
  const { actor } = actorOf(o.by)
  const key = required('key', o.key, KEY_CHARACTERS_MAX)
  const what = oneOf('what', o.what, REPORTS)
  const note = optional('note', o.note, NOTE_CHARACTERS_MAX)
  const order = existingOrder(turn, orderId, o.onlyFor)
  const id = createHash('sha256')
    .update(JSON.stringify([orderId, key]))
    .digest('hex')
    .slice(0, 24)
  if (turn.desk.reports.has(id)) return
  const picture = o.picture === undefined ? undefined : pictureOf(o.picture)
  if (what === 'picture' && picture === undefined)
    throw new FengsuiError('invalid-request', 'picture is missing: a JPEG, PNG or WebP in base64')
  if (picture !== undefined && turn.desk.reports.pictures(orderId) >= PICTURES_MAX)
    throw new FengsuiError('conflict', `order ${orderId} has ${PICTURES_MAX} pictures: no more are kept`)
  const record = existing(turn, order.incidentId)
  turn.desk.reports.put({ id, orderId, incidentId: order.incidentId, what, atMs: turn.nowMs, picture })
  turn.tell(order.incidentId, {
    actor,
    what,
    orderId,
    ...(note !== undefined && { note }),
    ...(picture !== undefined && { pictureId: id }),
  })
  const asks = what === 'need-help' && isOpen(record.incident.state)
  turn.saveIncident(asks ? { ...record, incident: { ...record.incident, helpAskedAt: turn.now } } : record)
}

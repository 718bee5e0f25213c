// Decoded messages on their way from the thread that decodes to the one that judges. Cloning a reading costs as much as decoding it, but a
// device says the same again and again with other numbers: so what is the same is sent once, and then only times and numbers, as numbers.
// Nothing is lost: what comes out is what went in. Bounded: SENDERS_MAX and FORMS_MAX on both sides; beyond them readings are sent whole.
import { isoOf, msOf } from '#contracts/instant.ts'
import type { Message } from '#contracts/message.ts'
import type { Reading } from '#contracts/reading.ts'
import { isClock, type Portion } from './heard.ts'

/** What a device says of itself with each reading. */
type Sender = Pick<Reading, 'deviceId' | 'place' | 'position' | 'about' | 'source'>

export type Packed = {
  /**
   * Of each message seq, time of arrival, 2 x readings + 1 for a clock; of each reading its sender and its form, and what the form says is to
   * follow. A negative place is that of a new one: -1 - place
   */
  numbers: Float64Array<ArrayBuffer>
  texts: string[]
  senders: Sender[]
  forms: Reading[]
  whole: Reading[]
}

const SENDERS_MAX = 100_000
const FORMS_MAX = 200
/** in the place of a sender: the next of `whole` */
const WHOLE = -1 - SENDERS_MAX

/** Which of the fields that may be absent and differ from reading to reading are there, as bits, in the order in which they follow. */
const given = (r: Reading): number =>
  (r.seq === undefined ? 0 : 1) +
  (r.boot === undefined ? 0 : 2) +
  (r.batteryPct === undefined ? 0 : 4) +
  (r.rssiDbm === undefined ? 0 : 8) +
  (r.rsrpDbm === undefined ? 0 : 16) +
  (r.snrDb === undefined ? 0 : 32) +
  (r.lqi === undefined ? 0 : 64) +
  (r.msgId === undefined ? 0 : 128) +
  (r.deviceTs === undefined ? 0 : 256)

type Varying =
  | 'seq'
  | 'boot'
  | 'batteryPct'
  | 'rssiDbm'
  | 'rsrpDbm'
  | 'snrDb'
  | 'lqi'
  | 'msgId'
  | 'deviceTs'
  | 'ts'
  | 'receivedAt'
  | 'metrics'
type Formal = 'kind' | 'tsSource' | 'online' | 'alarms' | 'flags' | 'state'
/** too seldom, and too different each time */
type Rare = 'text' | 'detections' | 'thermal'
/** Does not compile where a reading has a field that nothing here knows. */
type Unknown = Exclude<keyof Reading, keyof Sender | Varying | Formal | Rare>
const isWholeOnly = (r: Reading & Record<Unknown, never>): boolean =>
  r.text !== undefined || r.detections !== undefined || r.thermal !== undefined

type Form = { place: number; reading: Reading; given: number; metrics: readonly string[] }
type Known = { place: number; sender: Sender; form: Form }

const formOf = (place: number, reading: Reading): Form => ({ place, reading, given: given(reading), metrics: Object.keys(reading.metrics) })

export function createPacker() {
  const senders = new Map<string, Known>()
  const forms: Form[] = []
  let numbers = new Float64Array(32_768)
  let length = 0
  let sent = emptyPacked()

  function put(value: number): void {
    if (length === numbers.length) {
      const more = new Float64Array(2 * length)
      more.set(numbers)
      numbers = more
    }
    numbers[length++] = value
  }

  function reading(r: Reading): void {
    const known = senders.get(r.deviceId)
    const mask = given(r)
    const isUsual = known !== undefined && isOf(known.form, mask, r)
    const form = isUsual ? known.form : isWholeOnly(r) ? undefined : formFor(mask, r)
    if (form === undefined || !isTimed(r) || (known === undefined && senders.size >= SENDERS_MAX)) {
      put(WHOLE)
      sent.whole.push(r)
      return
    }
    if (known !== undefined && isFrom(known.sender, r)) put(known.place)
    else introduce(r, known, form)
    if (!isUsual && known !== undefined) known.form = form
    if (form.place < forms.length) put(form.place)
    else {
      put(-1 - form.place)
      forms.push(form)
      sent.forms.push(form.reading)
    }
    follow(mask, r)
  }

  function introduce({ deviceId, place, position, about, source }: Reading, known: Known | undefined, form: Form): void {
    const sender: Sender = { deviceId, source }
    if (place !== undefined) sender.place = place
    if (position !== undefined) sender.position = position
    if (about !== undefined) sender.about = about
    if (known !== undefined) known.sender = sender
    const at = known?.place ?? senders.size
    if (known === undefined) senders.set(deviceId, { place: at, sender, form })
    put(-1 - at)
    sent.senders.push(sender)
  }

  /** Known, or the next one; undefined = there are too many. */
  function formFor(mask: number, r: Reading): Form | undefined {
    const found = forms.find(form => isOf(form, mask, r))
    if (found !== undefined || forms.length >= FORMS_MAX) return found
    return formOf(forms.length, r)
  }

  function follow(mask: number, r: Reading): void {
    put(msOf(r.ts))
    put(msOf(r.receivedAt))
    if (mask !== 0) {
      for (const value of [r.seq, r.boot, r.batteryPct, r.rssiDbm, r.rsrpDbm, r.snrDb, r.lqi]) if (value !== undefined) put(value)
      for (const text of [r.msgId, r.deviceTs]) if (text !== undefined) sent.texts.push(text)
    }
    const { metrics } = r
    for (const name in metrics) put(metrics[name] as number)
  }

  return {
    message(m: Message, readings: readonly Reading[]): void {
      put(m.seq)
      put(m.receivedAtMs)
      put(2 * readings.length + Number(isClock(m)))
      for (const r of readings) reading(r)
    },
    /** all since the last call */
    take(): Packed {
      const packed = { ...sent, numbers: numbers.slice(0, length) }
      length = 0
      sent = emptyPacked()
      return packed
    },
  }
}

const emptyPacked = () => ({ texts: [] as string[], senders: [] as Sender[], forms: [] as Reading[], whole: [] as Reading[] })

/** Its times can be made again of the numbers that they are. */
const isTimed = (r: Reading): boolean => isMade(r.ts) && isMade(r.receivedAt)

function isMade(text: string): boolean {
  const ms = msOf(text)
  return Number.isFinite(ms) && isoOf(ms) === text
}

const isFrom = (sender: Sender, r: Reading): boolean =>
  isSameSource(sender.source, r.source) &&
  isSame(sender.place, r.place) &&
  isSame(sender.position, r.position) &&
  isSame(sender.about, r.about)

/** Its topic is most of the difference, and comes first where it is one. */
function isSameSource(a: Reading['source'], b: Reading['source']): boolean {
  return a.topic === b.topic && a.family === b.family && a.model === b.model && a.gateway === b.gateway
}

const isOf = ({ reading, given: mask, metrics }: Form, its: number, r: Reading): boolean =>
  mask === its &&
  reading.kind === r.kind &&
  reading.tsSource === r.tsSource &&
  reading.online === r.online &&
  !isWholeOnly(r) &&
  hasNames(r.metrics, metrics) &&
  isSame(reading.alarms, r.alarms) &&
  isSame(reading.flags, r.flags) &&
  isSame(reading.state, r.state)

/** These names in this order. */
function hasNames(object: object, names: readonly string[]): boolean {
  let i = 0
  for (const name in object) if (names[i++] !== name) return false
  return i === names.length
}

/** Also in the order of their names. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return a !== 0 || Object.is(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (isEmpty(a)) return isEmpty(b) && Array.isArray(a) === Array.isArray(b)
  if (Array.isArray(a) !== Array.isArray(b) || !hasNames(a, Object.keys(b))) return false
  for (const name in a) if (!isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name])) return false
  return true
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}

/** What createPacker packed, in the same order. */
export function createUnpacker(): (packed: Packed) => Portion {
  const senders: Sender[] = []
  const forms: Form[] = []

  return ({ numbers, texts, senders: newSenders, forms: newForms, whole }) =>
    listener => {
      let at = 0
      let textAt = 0
      let wholeAt = 0
      let senderAt = 0
      let formAt = 0
      const next = (): number => numbers[at++] as number

      function senderOf(code: number): Sender {
        if (code >= 0) return senders[code] as Sender
        return (senders[-1 - code] = newSenders[senderAt++] as Sender)
      }
      function nextForm(): Form {
        const code = next()
        if (code >= 0) return forms[code] as Form
        return (forms[-1 - code] = formOf(-1 - code, newForms[formAt++] as Reading))
      }
      function reading(): Reading {
        const code = next()
        if (code === WHOLE) return whole[wholeAt++] as Reading
        const { deviceId, place, position, about, source } = senderOf(code)
        const { reading: like, given: mask, metrics: names } = nextForm()
        const ts = isoOf(next())
        const receivedAt = isoOf(next())
        const r: Reading = {
          deviceId,
          kind: like.kind,
          ts,
          tsSource: like.tsSource,
          receivedAt,
          metrics: {},
          alarms: like.alarms,
          flags: like.flags,
          source,
        }
        if (mask !== 0) vary(r, mask)
        if (place !== undefined) r.place = place
        if (position !== undefined) r.position = position
        if (about !== undefined) r.about = about
        if (like.state !== undefined) r.state = like.state
        if (like.online !== undefined) r.online = like.online
        for (const name of names) r.metrics[name] = next()
        return r
      }
      function vary(r: Reading, mask: number): void {
        if ((mask & 1) !== 0) r.seq = next()
        if ((mask & 2) !== 0) r.boot = next()
        if ((mask & 4) !== 0) r.batteryPct = next()
        if ((mask & 8) !== 0) r.rssiDbm = next()
        if ((mask & 16) !== 0) r.rsrpDbm = next()
        if ((mask & 32) !== 0) r.snrDb = next()
        if ((mask & 64) !== 0) r.lqi = next()
        if ((mask & 128) !== 0) r.msgId = texts[textAt++] as string
        if ((mask & 256) !== 0) r.deviceTs = texts[textAt++] as string
      }

      while (at < numbers.length) {
        const seq = next()
        const nowMs = next()
        const counted = next()
        const count = counted >> 1
        listener(nowMs, seq, (counted & 1) === 1, count === 1 ? [reading()] : Array.from({ length: count }, reading))
      }
    }
}

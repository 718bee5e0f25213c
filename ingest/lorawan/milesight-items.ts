// A Milesight payload cut into its items: channel, type, value. The same type has the same length on every channel; records stored on the device
// (20 CE) differ by model, so their length is the one by which the rest makes sense. Format: Milesight's SensorDecoders.
import { view } from './part.ts'

export type Item = { channel: number; type: number; value: DataView }

/** Bytes of a value by its type. */
const LENGTHS: Readonly<Record<number, number>> = {
  0x00: 1,
  0x01: 1,
  0x67: 2,
  0x68: 1,
  0x73: 2,
  0x75: 1,
  0x77: 2,
  0x7b: 2,
  0x7d: 2,
  0x7f: 2,
  0x82: 2,
  0x88: 9,
  0x8e: 1,
  0x90: 4,
  0x94: 4,
  0xc8: 4,
  0xca: 2,
}
/** On channel 0x80 and above: the value that passed a threshold and one byte of status, or that jumped, by how much, and the status. */
const WITH_STATUS: ReadonlySet<number> = new Set([0x67, 0x7b, 0x77, 0x82])
const JUMPS: ReadonlySet<number> = new Set([0xd7, 0xe9])
/** Channel 0xff: facts of the device, and two events. */
const SYSTEM_LENGTHS: Readonly<Record<number, number>> = {
  0x01: 1,
  0x08: 6,
  0x09: 2,
  0x0a: 2,
  0x0b: 1,
  0x0f: 1,
  0x16: 8,
  0x18: 2,
  0x1b: 5,
  0x2e: 1,
  0x3f: 1,
  0xfe: 1,
  0xff: 2,
}
/** Answers to what was sent down, on channels 0xfe and 0xff: settings, which say nothing of the world. */
const ANSWER_LENGTHS: Readonly<Record<number, number>> = {
  0x02: 2,
  0x03: 2,
  0x06: 9,
  0x10: 1,
  0x11: 4,
  0x12: 2,
  0x13: 1,
  0x17: 2,
  0x18: 2,
  0x1c: 2,
  0x27: 1,
  0x28: 1,
  0x2f: 1,
  0x35: 8,
  0x39: 5,
  0x3b: 1,
  0x3e: 1,
  0x4a: 1,
  0x56: 1,
  0x61: 2,
  0x68: 1,
  0x69: 1,
  0x6a: 3,
  0x6d: 1,
  0x70: 2,
  0x71: 1,
  0x74: 1,
  0x77: 2,
  0x79: 6,
  0x84: 1,
  0x87: 3,
  0x96: 8,
  0xa1: 1,
  0xa2: 2,
  0xa3: 1,
  0xa4: 1,
  0xd6: 6,
  0xd7: 1,
  0xea: 3,
  0xf1: 4,
  0xf2: 2,
  0xf5: 1,
}
export const SYSTEM = 0xff
const ANSWER = 0xfe
const HISTORY_CHANNEL = 0x20
const HISTORY_TYPE = 0xce
/**
 * Record lengths behind 20 CE: a timestamp and, by model, climate with leak or contact, or light (EM300-SLD, -MCS, EM500-LGT), climate
 * (EM300-TH), one number (EM500), CO2 (EM500-CO2).
 */
const HISTORY_LENGTHS = [8, 7, 6, 11] as const

type Split = { items: Item[]; records: DataView[]; answers: number; read: number }

/**
 * `answers`: how many of the items were answers and are left out. Records of one device are of one length: the one that explains every byte,
 * and where several do, as most records; a time may hold bytes that look like a channel.
 */
export function split(bytes: Uint8Array): Split {
  const first = splitBy(bytes)
  if (first.records.length === 0) return first
  const whole = HISTORY_LENGTHS.map(length => splitBy(bytes, length)).filter(({ read }) => read === bytes.length)
  return whole.toSorted((a, b) => b.records.length - a.records.length)[0] ?? first
}

/** Without a length of its records each has the one that fits it. */
function splitBy(bytes: Uint8Array, recordBytes?: number): Split {
  const items: Item[] = []
  const records: DataView[] = []
  let answers = 0
  let at = 0
  while (at + 2 < bytes.length) {
    const [channel = 0, type = 0] = bytes.subarray(at, at + 2)
    const isHistory = channel === HISTORY_CHANNEL && type === HISTORY_TYPE
    const length = isHistory ? (recordBytes ?? historyLength(bytes, at)) : lengthOf(channel, type)
    if (length === undefined || at + 2 + length > bytes.length) break
    const value = view(bytes.subarray(at + 2, at + 2 + length))
    if (isHistory) records.push(value)
    else if (isAnswer(channel, type)) answers += 1
    else items.push({ channel, type, value })
    at += 2 + length
  }
  return { items, records, answers, read: at }
}

/** Is every byte explained? Only then may the codec be chosen without anybody having named the model. */
export function isMilesight(bytes: Uint8Array): boolean {
  if (bytes.length < 3) return false
  const { items, records, read } = split(bytes)
  return read === bytes.length && items.length + records.length > 0
}

const isAnswer = (channel: number, type: number): boolean =>
  channel === ANSWER || (channel === SYSTEM && SYSTEM_LENGTHS[type] === undefined && ANSWER_LENGTHS[type] !== undefined)

function lengthOf(channel: number, type: number): number | undefined {
  if (channel === SYSTEM) return SYSTEM_LENGTHS[type] ?? ANSWER_LENGTHS[type]
  if (channel === ANSWER) return ANSWER_LENGTHS[type]
  if (channel >= 0x80 && JUMPS.has(type)) return 5
  const length = LENGTHS[type]
  return length !== undefined && channel >= 0x80 && WITH_STATUS.has(type) ? length + 1 : length
}

/** The length by which records follow each other to the end, or after which another known channel begins. */
function historyLength(bytes: Uint8Array, at: number): number | undefined {
  const fits = (length: number): boolean => {
    const next = at + 2 + length
    if (next === bytes.length) return true
    const [channel = 0, type = 0] = bytes.subarray(next, next + 2)
    return (
      next + 2 < bytes.length &&
      ((channel === HISTORY_CHANNEL && type === HISTORY_TYPE) || (channel !== 0 && lengthOf(channel, type) !== undefined))
    )
  }
  return HISTORY_LENGTHS.find(fits)
}

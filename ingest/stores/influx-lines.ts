// Readings and rollups as InfluxDB line protocol. A line is a pure function of the journal, so that a replay writes the same point:
// measurement = kind, one tag = device, every field a float, time in microseconds made unique by the device's own counter.
import { hash } from 'node:crypto'
import type { Reading } from '#contracts/reading.ts'
import type { FieldNames, Fields } from './fields.ts'
import type { Part } from './rollup.ts'

export const ROLLUP_MEASUREMENT = 'reading_1m'
const MINUTE_US = 60_000_000
/** Beginnings of lines remembered, one a device; at the bound they are made anew. */
const SERIES_MAX = 200_000

/** The beginning of a device's lines; kept by kind. */
const series = new Map<string, Map<string, string>>()
let seriesKept = 0
const keysByNames = new WeakMap<FieldNames, string[]>()

/** undefined when the reading holds no number. */
export function lineOf({ kind, deviceId, seq }: Reading, tsMs: number, { names, values }: Fields): string | undefined {
  if (names.length === 0) return undefined
  const keys = keysOf(names)
  let content = ''
  for (let i = 0; i < keys.length; i++) content += `${keys[i]}${values[i]}`
  // two readings of one device in one millisecond would overwrite each other; a repeat must fall on itself
  const within = seq ?? hash('sha1', content, 'buffer').readUInt32BE(0)
  return `${seriesOf(kind, deviceId)}${content} ${timeUs(tsMs, within % 1000)}`
}

/** `name=` with the comma before it, where one is due. */
function keysOf(names: FieldNames): string[] {
  let keys = keysByNames.get(names)
  if (keys === undefined) keysByNames.set(names, (keys = names.map((name, i) => `${i === 0 ? '' : ','}${escapeKey(name)}=`)))
  return keys
}

function seriesOf(kind: string, deviceId: string): string {
  let devices = series.get(kind)
  let text = devices?.get(deviceId)
  if (text !== undefined) return text
  if (seriesKept >= SERIES_MAX) {
    series.clear()
    devices = undefined
    seriesKept = 0
  }
  if (devices === undefined) series.set(kind, (devices = new Map()))
  devices.set(deviceId, (text = `${escapeMeasurement(kind)},device=${escapeKey(deviceId)} `))
  seriesKept += 1
  return text
}

const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'))
let second = 0
let secondText = ''

/** Sixteen digits cost more to print than all else in a line: of one second only the last six differ. */
function timeUs(tsMs: number, within: number): string {
  const whole = Math.floor(tsMs / 1000)
  const ms = THREE_DIGITS[tsMs - whole * 1000]
  const us = THREE_DIGITS[within]
  if (whole <= 0 || ms === undefined || us === undefined) return String(tsMs * 1000 + within)
  if (whole !== second) {
    second = whole
    secondText = String(whole)
  }
  return `${secondText}${ms}${us}`
}

/** Of one minute, one point for each run of messages that touched it: `firstSeq` of the run tells them apart. */
export function rollupLineOf({ minute, area, kind, metric, count, sum, min, max }: Part, firstSeq: number): string {
  const tags = [area === '' ? '' : `,area=${escapeKey(area)}`, `,kind=${escapeKey(kind)}`, `,metric=${escapeKey(metric)}`].join('')
  return `${ROLLUP_MEASUREMENT}${tags} count=${count}i,sum=${sum},min=${min},max=${max} ${minute * MINUTE_US + (firstSeq % MINUTE_US)}`
}

// a line protocol key ends at a space, comma or equals sign; a trailing backslash would escape what follows
const escapeKey = (text: string): string => (PLAIN.test(text) ? text : tame(text).replaceAll(/[ ,=]/g, String.raw`\$&`))
const escapeMeasurement = (text: string): string => (PLAIN.test(text) ? text : tame(text).replaceAll(/[ ,]/g, String.raw`\$&`))
const tame = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ').replace(/\\+$/, '')
const PLAIN = /^[\w.:/-]+$/

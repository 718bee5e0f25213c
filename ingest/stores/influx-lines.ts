// Readings and rollups as InfluxDB line protocol. A line is a pure function of the journal, so that a replay writes the same point:
// measurement = kind, one tag = device, every field a float, time in microseconds made unique by the device's own counter.
import { createHash } from 'node:crypto'
import type { Reading } from '#contracts/reading.ts'
import type { Field } from './fields.ts'
import type { Part } from './rollup.ts'

export const ROLLUP_MEASUREMENT = 'reading_1m'
const MINUTE_US = 60_000_000

/** undefined when the reading holds no number. */
export function lineOf(reading: Reading, tsMs: number, fields: readonly Field[]): string | undefined {
  if (fields.length === 0) return undefined
  let content = ''
  for (const [name, value] of fields) content += `${content === '' ? '' : ','}${escapeKey(name)}=${value}`
  return `${escapeMeasurement(reading.kind)},device=${escapeKey(reading.deviceId)} ${content} ${timeUs(reading, tsMs, content)}`
}

/** Two readings of one device in one millisecond would overwrite each other; a repeat must fall on itself. */
function timeUs(reading: Reading, tsMs: number, content: string): number {
  const within = reading.seq ?? createHash('sha1').update(content).digest().readUInt32BE(0)
  return tsMs * 1000 + (within % 1000)
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

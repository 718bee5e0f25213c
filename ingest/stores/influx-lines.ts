// Readings as InfluxDB line protocol. A line is a pure function of its reading, so that a replay writes the same point again:
// measurement = kind, one tag = device, every field a float, time in microseconds made unique by the device's own counter.
import { createHash } from 'node:crypto'
import type { Reading } from '#contracts/reading.ts'
import { fieldsOf } from './fields.ts'

/** undefined when the reading holds no number. */
export function lineOf(reading: Reading): string | undefined {
  const fields = fieldsOf(reading).map(([name, value]) => `${escapeKey(name)}=${value}`)
  if (fields.length === 0) return undefined
  const content = fields.join(',')
  return `${escapeMeasurement(reading.kind)},device=${escapeKey(reading.deviceId)} ${content} ${timeUs(reading, content)}`
}

/** Two readings of one device in one millisecond would overwrite each other; a repeat must fall on itself. */
function timeUs(reading: Reading, content: string): bigint {
  const within = reading.seq ?? createHash('sha1').update(content).digest().readUInt32BE(0)
  return BigInt(Date.parse(reading.ts)) * 1000n + BigInt(within % 1000)
}

// a line protocol key ends at a space, comma or equals sign; a trailing backslash would escape what follows
const escapeKey = (text: string): string => tame(text).replaceAll(/[ ,=]/g, String.raw`\$&`)
const escapeMeasurement = (text: string): string => tame(text).replaceAll(/[ ,]/g, String.raw`\$&`)
const tame = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ').replace(/\\+$/, '')

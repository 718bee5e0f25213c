// The Sparkplug B payload read from protobuf by hand: five message types of it, every length checked, nothing allocated by what a length
// claims. Data sets, templates and bytes are seen and left. Format: Eclipse Sparkplug 3.0, chapter 6 and sparkplug_b.proto. Throws nothing.
import { gunzipSync, inflateSync } from 'node:zlib'

export type SparkplugValue = number | boolean | string | null
export type Metric = {
  name?: string
  alias?: number
  timestampMs?: number
  datatype?: number
  isHistorical: boolean
  value: SparkplugValue | undefined
  /** a whole number as it was sent: of which type it is may only be known from the birth */
  int?: bigint
  /** what it holds that is not read */
  unread?: 'bytes' | 'data set' | 'template' | 'extension'
  properties: Record<string, SparkplugValue>
}
export type Payload = { timestampMs?: number; seq?: number; metrics: Metric[] }

const UNREAD: Readonly<Record<number, NonNullable<Metric['unread']>>> = { 16: 'bytes', 17: 'data set', 18: 'template', 19: 'extension' }
/** What a payload that was compressed may become. */
const INFLATED_BYTES_MAX = 4 * 1024 * 1024
const COMPRESSED = 'SPBV1.0_COMPRESSED'

const METRICS_MAX = 4_096
const PROPERTIES_MAX = 64
const TEXT_BYTES_MAX = 1_024

type Field = { number: number; wire: number; int: bigint; bytes: Uint8Array }

/** The fields of one message; undefined = the bytes are no protobuf. Groups (wire types 3 and 4) are not part of the format. */
function* fieldsOf(bytes: Uint8Array): Generator<Field, boolean> {
  let at = 0
  while (at < bytes.length) {
    const key = varint(bytes, at)
    if (key === undefined) return false
    at = key.next
    const field = Number(key.value >> 3n)
    const wire = Number(key.value & 7n)
    if (field === 0 || field > 536_870_911) return false
    if (wire === 0) {
      const value = varint(bytes, at)
      if (value === undefined) return false
      at = value.next
      yield { number: field, wire, int: value.value, bytes: EMPTY }
    } else if (wire === 1 || wire === 5) {
      const length = wire === 1 ? 8 : 4
      if (at + length > bytes.length) return false
      yield { number: field, wire, int: 0n, bytes: bytes.subarray(at, at + length) }
      at += length
    } else if (wire === 2) {
      const length = varint(bytes, at)
      if (length === undefined || length.value > BigInt(bytes.length - length.next)) return false
      const end = length.next + Number(length.value)
      yield { number: field, wire, int: 0n, bytes: bytes.subarray(length.next, end) }
      at = end
    } else return false
  }
  return true
}

const EMPTY = new Uint8Array()

function varint(bytes: Uint8Array, from: number): { value: bigint; next: number } | undefined {
  let value = 0n
  for (let i = 0; i < 10; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) return undefined
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: from + i + 1 }
  }
  return undefined
}

/** Calls `take` for each field; false = broken, or `take` refused. */
function read(bytes: Uint8Array, take: (field: Field) => boolean | void): boolean {
  const fields = fieldsOf(bytes)
  for (let step = fields.next(); ; step = fields.next()) {
    if (step.done === true) return step.value
    if (take(step.value) === false) return false
  }
}

export function readPayload(bytes: Uint8Array): Payload | undefined {
  const outer = readPlain(bytes)
  if (outer?.body === undefined || outer.uuid !== COMPRESSED) return outer
  const named = outer.metrics.find(metric => metric.name === 'algorithm')?.value
  const inflated = inflatedOf(outer.body, named)
  return inflated === undefined ? undefined : readPlain(inflated)
}

/** DEFLATE where none is named. */
function inflatedOf(body: Uint8Array, algorithm: unknown): Uint8Array | undefined {
  const o = { maxOutputLength: INFLATED_BYTES_MAX }
  try {
    return algorithm === 'GZIP' ? gunzipSync(body, o) : inflateSync(body, o)
  } catch {
    return undefined
  }
}

function readPlain(bytes: Uint8Array): (Payload & { uuid?: string; body?: Uint8Array }) | undefined {
  const payload: Payload & { uuid?: string; body?: Uint8Array } = { metrics: [] }
  const isWhole = read(bytes, field => {
    if (field.number === 1 && field.wire === 0) payload.timestampMs = Number(field.int)
    else if (field.number === 3 && field.wire === 0) payload.seq = Number(field.int)
    else if (field.number === 4 && field.wire === 2) payload.uuid = text(field.bytes)
    else if (field.number === 5 && field.wire === 2) payload.body = field.bytes
    else if (field.number === 2 && field.wire === 2) {
      const metric = readMetric(field.bytes)
      if (metric === undefined || payload.metrics.length >= METRICS_MAX) return false
      payload.metrics.push(metric)
    }
    return true
  })
  return isWhole ? payload : undefined
}

function readMetric(bytes: Uint8Array): Metric | undefined {
  const metric: Metric = { isHistorical: false, value: undefined, properties: {} }
  let raw: Field | undefined
  const isWhole = read(bytes, field => {
    const { number, int } = field
    if (number === 1) metric.name = text(field.bytes)
    else if (number === 2) metric.alias = Number(int)
    else if (number === 3) metric.timestampMs = Number(int)
    else if (number === 4) metric.datatype = Number(int)
    else if (number === 5) metric.isHistorical = int !== 0n
    else if (number === 7 && int !== 0n) metric.value = null
    else if (number === 9) return readProperties(field.bytes, metric.properties)
    else if (number >= 10 && number <= 15) raw = field
    else if (UNREAD[number] !== undefined) metric.unread = UNREAD[number]
    return true
  })
  if (!isWhole) return undefined
  if (raw === undefined || metric.value === null) return metric
  metric.value = valueOf(raw, raw.number - 10, metric.datatype)
  if (raw.wire === 0 && raw.number <= 11) metric.int = raw.int
  return metric
}

/** `slot` 0 int, 1 long, 2 float, 3 double, 4 boolean, 5 string */
function valueOf({ int, bytes, wire }: Field, slot: number, datatype: number | undefined): SparkplugValue | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (slot === 0 && wire === 0) return signed(int, datatype)
  if (slot === 1 && wire === 0) return signed(int, datatype)
  if (slot === 2 && wire === 5) return view.getFloat32(0, true)
  if (slot === 3 && wire === 1) return view.getFloat64(0, true)
  if (slot === 4 && wire === 0) return int !== 0n
  return slot === 5 && wire === 2 ? text(bytes) : undefined
}

/** Int8, Int16, Int32 and Int64 travel as two's complement in an unsigned field. */
export function signed(int: bigint, datatype: number | undefined): number {
  const bits = datatype === 1 ? 8 : datatype === 2 ? 16 : datatype === 3 ? 32 : datatype === 4 ? 64 : 0
  return Number(bits === 0 ? int : BigInt.asIntN(bits, int))
}

function readProperties(bytes: Uint8Array, properties: Record<string, SparkplugValue>): boolean {
  const keys: string[] = []
  const values: SparkplugValue[] = []
  const isWhole = read(bytes, field => {
    if (field.number === 1 && keys.length < PROPERTIES_MAX) keys.push(text(field.bytes))
    if (field.number === 2 && values.length < PROPERTIES_MAX) {
      const value = readProperty(field.bytes)
      if (value === undefined) return false
      values.push(value)
    }
    return true
  })
  for (const [i, key] of keys.entries()) if (key !== '__proto__') properties[key] = values[i] ?? null
  return isWhole
}

function readProperty(bytes: Uint8Array): SparkplugValue | undefined {
  let type: number | undefined
  let raw: Field | undefined
  const isWhole = read(bytes, field => {
    if (field.number === 1) type = Number(field.int)
    else if (field.number >= 3 && field.number <= 8) raw = field
    return true
  })
  if (!isWhole) return undefined
  return raw === undefined ? null : (valueOf(raw, raw.number - 3, type) ?? null)
}

const utf8 = new TextDecoder('utf-8')
const text = (bytes: Uint8Array): string => utf8.decode(bytes.subarray(0, TEXT_BYTES_MAX))

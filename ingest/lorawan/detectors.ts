// Smoke detectors with payloads of their own: Milesight GS524N, TG563A, Yobiiq SD1001. What a message does not say stays absent:
// "low battery" or "removed" is not "no smoke".
import { int8, type CodecResult, type Part } from './part.ts'

const GS524N_TYPES: Readonly<Record<number, { name: string; alarms: NonNullable<Part['alarms']> }>> = {
  1: { name: 'alarm', alarms: { smoke: true } },
  2: { name: 'silent', alarms: { silenced: true } },
  4: { name: 'low-battery', alarms: { lowBattery: true } },
  5: { name: 'failover', alarms: { fault: true } },
  7: { name: 'normal', alarms: { smoke: false, silenced: false, lowBattery: false, fault: false } },
  10: { name: 'removed', alarms: { tamper: true, removed: true } },
  11: { name: 'installed', alarms: { tamper: false, removed: false } },
  14: { name: 'test', alarms: { smoke: true, test: true } },
  15: { name: 'test-low-battery', alarms: { smoke: true, test: true, lowBattery: true } },
}

/** Six bytes whose sum is 0 modulo 256; byte 2 is sensor type (1 = smoke) and message type. */
export const isGs524n = (bytes: Uint8Array): boolean => looksLikeGs524n(bytes) && sumOf(bytes) === 0
const looksLikeGs524n = (bytes: Uint8Array): boolean => bytes.length === 6 && (bytes[1] ?? 0) >> 4 === 1 && (bytes[0] ?? 0) >> 4 > 0
const sumOf = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum + byte, 0) & 0xff

export function gs524n(bytes: Uint8Array): CodecResult {
  if (!looksLikeGs524n(bytes)) return { fault: `a GS524N sends 6 bytes of sensor type 1, not ${bytes.length}` }
  if (sumOf(bytes) !== 0) return { fault: `checksum: the six bytes of a GS524N must add up to 0, not ${sumOf(bytes)}` }
  const [, types = 0, batteryPct = 0, smoke = 0, temperature = 0] = bytes
  const type = GS524N_TYPES[types & 0x0f]
  const part: Part = {
    kind: 'smoke',
    model: 'Milesight GS524N',
    metrics: { smoke_vendor_pct: smoke, temperature_c: int8(temperature) },
    batteryPct,
    alarms: { ...type?.alarms },
    state: { message: type?.name ?? `type ${types & 0x0f}` },
  }
  return { parts: [part], ...(type === undefined && { unread: `message type ${types & 0x0f} is not documented` }) }
}

const TG563A_MESSAGES: Readonly<Record<number, string>> = {
  0: 'periodic',
  1: 'smoke-alarm',
  2: 'low-battery',
  3: 'chamber-failure',
  4: 'chamber-fouled',
  5: 'ultrasonic-failure',
  6: 'infrared-failure',
  7: 'buzzer-failure',
  8: 'obstacle',
  9: 'air-inlet-covered',
  15: 'additional-data',
}

export const isTg563a = (bytes: Uint8Array): boolean =>
  (bytes.length === 5 && (bytes[0] ?? 255) <= 9 && (bytes[1] ?? 255) < 0x80) || (bytes.length === 35 && bytes[0] === 15)

/** Message type, configuration, temperature, two status bytes; 30 more in the additional data. A smoke bit counts whatever else is set. */
export function tg563a(bytes: Uint8Array): CodecResult {
  if (!isTg563a(bytes)) return { fault: `a TG563A sends 5 or 35 bytes with a documented message type, not ${bytes.length}` }
  const [message = 0, , temperature = 0, low = 0, high = 0] = bytes
  const bit = (byte: number, n: number): boolean => ((byte >> n) & 1) === 1
  const isMounted = bit(low, 0)
  const chamberFault = bit(high, 2)
  const isBlocked = bit(low, 4) || bit(low, 5)
  const part: Part = {
    kind: 'smoke',
    model: 'TG563A',
    metrics: { temperature_c: int8(temperature), battery_v: bytes.length === 35 ? (bytes[5] ?? 0) / 100 + 1 : undefined },
    alarms: {
      smoke: bit(high, 0),
      lowBattery: bit(high, 1),
      chamberFault,
      chamberDirty: bit(high, 3),
      fault: chamberFault || (high & 0x70) !== 0 || isBlocked,
      tamper: !isMounted,
      removed: !isMounted,
    },
    state: { message: TG563A_MESSAGES[message & 0x0f] ?? String(message & 0x0f), mounted: isMounted, ...(isBlocked && { blocked: true }) },
  }
  return { parts: [part] }
}

/** Channel, type, one byte of value; channel 7 is in later firmware. */
const YOBIIQ_TYPES: Readonly<Record<number, number>> = { 1: 0x75, 2: 0x0b, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0 }

function yobiiqChannels(bytes: Uint8Array): Map<number, number> | undefined {
  const channels = new Map<number, number>()
  if (bytes.length === 0 || bytes.length % 3 !== 0) return undefined
  for (let i = 0; i < bytes.length; i += 3) {
    const [channel = 0, type = 0, value = 0] = bytes.subarray(i, i + 3)
    if (YOBIIQ_TYPES[channel] !== type || channels.has(channel)) return undefined
    channels.set(channel, value)
  }
  return channels
}

export function isYobiiq(bytes: Uint8Array): boolean {
  const channels = yobiiqChannels(bytes)
  return channels !== undefined && (channels.has(2) || channels.has(6) || channels.has(7) || (channels.has(4) && channels.has(5)))
}

/** On fPort 50: facts of the device, and whether it has mains power (0b). Channel 0xff, type, value. */
const YOBIIQ_FACTS: Readonly<Record<number, number>> = { 0x09: 2, 0x0a: 2, 0x0b: 1, 0x0f: 1, 0x16: 7 }

function yobiiqFacts(bytes: Uint8Array): Part {
  const facts: Part = { kind: 'smoke', model: 'Yobiiq SD1001' }
  for (let i = 0; i + 2 < bytes.length && bytes[i] === 0xff;) {
    const type = bytes[i + 1] ?? 0
    const length = YOBIIQ_FACTS[type]
    if (length === undefined) break
    if (type === 0x0b) facts.alarms = { mainPowerFault: bytes[i + 2] === 0 }
    i += 2 + length
  }
  return facts
}

export function yobiiq(bytes: Uint8Array): CodecResult {
  // one byte answers a command
  if (bytes[0] === 0xff || bytes.length === 1) return { parts: [yobiiqFacts(bytes)] }
  const channels = yobiiqChannels(bytes)
  if (channels === undefined) return { fault: 'not the channels 1 to 7 of a Yobiiq SD1001' }
  const on = (channel: number): boolean | undefined => (channels.has(channel) ? channels.get(channel) !== 0 : undefined)
  const power = on(2)
  return {
    parts: [
      {
        kind: 'smoke',
        model: 'Yobiiq SD1001',
        batteryPct: channels.get(1),
        alarms: {
          mainPowerFault: power === undefined ? undefined : !power,
          lowBattery: on(3),
          fault: on(4),
          smoke: on(5),
          interconnect: on(6),
          test: on(7),
        },
      },
    ],
  }
}

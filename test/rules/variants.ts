// What a recording would have been with other devices or another house: other intervals, noise, steps, losses, missing channels, other
// names, another warmth to begin with. And hours in which nothing burns although values move: heating, sun, kitchens, cold stores, cars.
import type { Message } from '#contracts/message.ts'

export type Line = { receivedAt: string; topic: string; retain: boolean; payload: Payload }
type Values = Record<string, number>
type Payload = { deviceId: string; ts?: number; place?: Record<string, string>; smoke?: Values; metrics?: Values }
type Variant = (lines: Line[], random: () => number) => Line[]

/** Readings only; what describes a device stays as it is. */
const readings = (lines: Line[], change: (line: Line, n: number) => Line | null): Line[] => {
  const seen = new Map<string, number>()
  return lines.flatMap(line => {
    if (!line.topic.endsWith('/telemetry')) return [line]
    const { deviceId } = line.payload
    const n = (seen.get(deviceId) ?? 0) + 1
    seen.set(deviceId, n)
    return change(structuredClone(line), n) ?? []
  })
}
const values = (lines: Line[], change: (smoke: Values, deviceId: string) => void): Line[] =>
  readings(lines, line => {
    if (line.payload.smoke !== undefined) change(line.payload.smoke, line.payload.deviceId)
    return line
  })
const without =
  (...names: string[]): Variant =>
  lines =>
    values(lines, smoke => names.forEach(name => delete smoke[name]))
const every =
  (step: number): Variant =>
  lines =>
    readings(lines, (line, n) => (n % step === 1 ? line : null))
const startingAt =
  (celsius: number): Variant =>
  lines => {
    const first = new Map<string, number>()
    return values(lines, (smoke, deviceId) => {
      const now = smoke['temperatureC'] ?? celsius
      if (!first.has(deviceId)) first.set(deviceId, now)
      smoke['temperatureC'] = Math.round((now - (first.get(deviceId) ?? now) + celsius) * 100) / 100
    })
  }
/** three uniform numbers are near enough to a normal one */
const normal = (random: () => number): number => (random() + random() + random() - 1.5) * 2
const stepped =
  (to: number): Variant =>
  lines =>
    values(lines, smoke => void (smoke['temperatureC'] = Math.round((smoke['temperatureC'] ?? 0) / to) * to))

export const VARIANTS: Record<string, Variant> = {
  'every second reading': every(2),
  'every fifth reading': every(5),
  'noise of cheap sensors': (lines, random) =>
    values(lines, smoke => {
      const noisy = { temperatureC: 0.4, obscurationDbPerM: 0.006, coPpm: 1.5 }
      for (const [name, sigma] of Object.entries(noisy))
        if (smoke[name] !== undefined) smoke[name] = Math.max(name === 'temperatureC' ? -60 : 0, smoke[name] + normal(random) * sigma)
    }),
  'whole degrees': stepped(1),
  'a third lost': (lines, random) => readings(lines, line => (random() < 0.33 ? null : line)),
  'silent for 20 s of each fourth minute': lines => readings(lines, line => ((line.payload.ts ?? 0) % 240_000 > 220_000 ? null : line)),
  'without clocks': lines =>
    readings(lines, line => {
      delete line.payload.ts
      return line
    }),
  'a cold house, 5 °C': startingAt(5),
  'a hot house, 35 °C': startingAt(35),
  'no smoke measured': without('obscurationDbPerM'),
  'no CO measured': without('coPpm'),
  'smoke as %/m': lines =>
    values(lines, smoke => {
      const { obscurationDbPerM: m } = smoke
      if (m === undefined) return
      smoke['obscurationPctPerM'] = 100 * (1 - 10 ** (-m / 10))
      delete smoke['obscurationDbPerM']
    }),
  'as plain metrics, rooms unknown': lines =>
    lines.map(line => {
      const { smoke, place, ...payload } = structuredClone(line.payload)
      const { temperatureC, obscurationDbPerM, coPpm } = smoke ?? {}
      const metrics = { temperature_c: temperatureC, obscuration_db_per_m: obscurationDbPerM, co_ppm: coPpm } as Values
      const { room: _, ...rest } = place ?? {}
      return { ...line, payload: { ...payload, ...(place && { place: rest }), ...(smoke && { metrics }) } }
    }),
  'soiled chambers': lines =>
    values(lines, smoke => void (smoke['obscurationDbPerM'] !== undefined && (smoke['obscurationDbPerM'] += 0.15))),
}

/** From 0 to 1 within `rise` seconds, there for `hold`, gone after `fall`. */
const bump = (s: number, at: number, rise: number, hold: number, fall: number): number =>
  Math.max(0, Math.min(1, (s - at) / rise, 1 - (s - at - rise - hold) / fall))
const H = 3_600
const CLEAN = { m: 0.01, co: 1 }
type Air = { t: number; m: number; co: number }

/** °C, dB/m and ppm by second of the day. */
export const QUIET: Record<string, (s: number) => Air> = {
  'air conditioning, 6 °C to and fro': s => ({ ...CLEAN, t: 20 + 6 * Math.abs(((s / 300) % 2) - 1) }),
  'a cold house is heated': s => ({ ...CLEAN, t: 8 + 14 * Math.min(1, Math.max(0, (s - H) / 1_800)) }),
  'a fan heater in a small room': s => ({ ...CLEAN, t: 12 + 16 * (1 - Math.exp(-Math.max(0, s - H) / 300)) }),
  'sun on a detector, with clouds': s => ({
    ...CLEAN,
    t: 24 + 20 * bump(s, H, 2 * H, H, H) + (s > 2 * H && s < 4 * H ? 2 * Math.sin(s / 60) : 0),
  }),
  'a metal box in the sun': s => ({ ...CLEAN, t: 18 + 30 * Math.max(0, Math.sin((s - H) / 12_000)) }),
  'an oven is opened': s => ({ ...CLEAN, t: 22 + 7 * bump(s, H, 30, 10, 120) + 7 * bump(s, 2 * H, 30, 10, 120) }),
  'the door of a cold store': s => ({ ...CLEAN, t: -18 + 13 * bump(s, H, 120, 300, 1_200) + 13 * bump(s, 3 * H, 90, 200, 1_200) }),
  'windows opened in winter': s => ({ ...CLEAN, t: 21 - 12 * bump(s, H, 300, 300, 900) - 12 * bump(s, 3 * H, 200, 300, 500) }),
  'carried in from the frost': s => ({ ...CLEAN, t: s < H ? -5 : 24 - 29 * Math.exp(-(s - H) / 60) }),
  'a day outdoors': s => ({ t: 5 + 12 * Math.sin(s / 13_751), m: 0.02 + 0.02 * Math.sin(s / 20_000), co: 1 }),
  'steam of a shower': s => ({ t: 21 + 5 * bump(s, H, 240, 300, 600), m: 0.01 + 0.07 * bump(s, H + 60, 120, 200, 300), co: 1 }),
  'a car is started in a garage': s => ({ t: 15, m: 0.02 + 0.03 * bump(s, H, 60, 300, 600), co: 1 + 45 * bump(s, H, 120, 300, 900) }),
  'people who smoke': s => ({ t: 22, m: 0.01 + 0.05 * Math.max(0, Math.sin(s / 400)), co: 2 + 5 * Math.max(0, Math.sin(s / 400)) }),
  'candles for an hour': s => ({
    t: 21 + 2.5 * bump(s, H, 1_800, H, 1_800),
    m: 0.01 + 0.045 * bump(s, H, 1_200, H, 1_200),
    co: 1 + 7 * bump(s, H, 1_800, H, 1_800),
  }),
  'a fireplace': s => ({
    t: 19 + 7 * bump(s, H, 2_400, 2 * H, H),
    m: 0.01 + 0.04 * bump(s, H, 300, 600, 1_200),
    co: 1 + 9 * bump(s, H, 900, 2 * H, H),
  }),
  'a chamber that soils': s => ({ t: 22, m: 0.02 + (0.02 * s) / H / 4, co: 1 }),
}
/** What cooks: the whole district need not know, a phone call is right. No more than that. */
export const COOKING = (s: number): Air => ({
  t: 21 + 8 * bump(s, H, 480, 900, 900),
  m: 0.01 + 0.07 * bump(s, H + 120, 240, 300, 600),
  co: 1 + 12 * bump(s, H, 600, 600, 900),
})
/** Smouldering bedding: an hour of smoke and CO that grow, hardly any warmth. */
export const SMOULDERING = (s: number): Air => ({
  t: 21 + 3 * bump(s, H, 2_700, H, H),
  m: 0.01 + 0.8 * bump(s, H, 2_700, H, H),
  co: 1 + 80 * bump(s, H, 2_700, H, H),
})

export function airMessages(air: (s: number) => Air, everyS: number, hours: number, random: () => number): Message[] {
  const startMs = Date.UTC(2026, 4, 3)
  const rounded = (value: number, digits: number) => Number(value.toFixed(digits))
  return Array.from({ length: (hours * H) / everyS }, (_, i) => {
    const ms = startMs + i * everyS * 1_000
    const { t, m, co } = air(i * everyS)
    const smoke = {
      temperatureC: rounded(t + normal(random) * 0.3, 2),
      obscurationDbPerM: rounded(Math.max(0, m + normal(random) * 0.005), 4),
      coPpm: rounded(Math.max(0, co + normal(random)), 1),
    }
    return messageOf({ receivedAt: new Date(ms + 50).toISOString(), topic: 'fire/v1/smoke/q1/telemetry', retain: false }, i + 1, {
      v: 1,
      deviceId: 'q1',
      kind: 'smoke',
      ts: ms,
      smoke,
    })
  })
}

export const messagesOfLines = (lines: Line[]): Message[] => lines.map((line, i) => messageOf(line, i + 1, line.payload))

function messageOf({ receivedAt, topic, retain }: Pick<Line, 'receivedAt' | 'topic' | 'retain'>, seq: number, payload: object): Message {
  const receivedAtMs = Date.parse(receivedAt)
  const origin = { identity: 'r', clientId: 'r', dup: false, qos: 1 as const, committedAtMs: receivedAtMs }
  return { ...origin, seq, receivedAtMs, topic, retain, payload: Buffer.from(JSON.stringify(payload)) }
}

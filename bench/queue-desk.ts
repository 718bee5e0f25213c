// What the benchmarks of the dispatch queue share: a queue on the disk of the working copy, alarms as the rules make them, and figures.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AlarmSignal } from '#contracts/alarm.ts'

/** A temporary folder may be memory, and a commit into that proves nothing. */
export function benchFolder(): { dir: string; file: string } & Disposable {
  const cache = join(import.meta.dirname, '..', '.cache')
  mkdirSync(cache, { recursive: true })
  const dir = mkdtempSync(join(cache, 'bench-'))
  return { dir, file: join(dir, 'dispatch.db'), [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) }
}

/** Another place for every `each` alarms, two kilometres of them side by side. */
export function fireSignal(n: number, o: { atMs: number; each: number }): AlarmSignal {
  const place = Math.floor(n / o.each)
  const deviceId = `bench-${n}`
  const at = new Date(o.atMs).toISOString()
  return {
    type: 'raise',
    alarmId: `alarm-${n}`,
    kind: 'fire-alarm',
    severity: 1,
    rule: { id: 'device-fire', version: '1', kind: 'device-alarm', set: 'default', setVersion: '1', parameters: { flags: ['smoke'] } },
    subject: deviceId,
    deviceId,
    place: { area: `Street ${place % 8}`, building: `Block ${place}`, floor: String(n % 20) },
    position: { lat: 31.7 + (place % 400) * 0.001, lon: 118.6 + Math.floor(place / 400) * 0.001 },
    at,
    late: false,
    latching: true,
    evidence: [{ seq: n, deviceId, ts: at, receivedAt: at, what: 'alarms.smoke', value: true }],
    counterEvidence: [],
    text: { zh: '火灾探测器报警', en: 'Fire detector in alarm' },
  }
}

export const percentile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? Number.NaN

/** `base`: the median of what it is held against in the same run */
export const line = (name: string, values: readonly number[], base: number): string =>
  `${name.padEnd(46)} p50 ${percentile(values, 0.5).toFixed(2).padStart(8)} ms  p99 ${percentile(values, 0.99).toFixed(2).padStart(8)} ms  p50 ratio ${(percentile(values, 0.5) / base).toFixed(2)}  n=${values.length}`

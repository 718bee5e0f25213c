// The district's local time: days where clocks change, midnights that do not exist or come twice, offsets of three quarters of an hour; and that
// days, quiet hours, incident numbers, the report and the night of the rules all follow the one setting.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { dayAfter, isTimeZone, openZone } from '#contracts/zone.ts'
import { openDispatch } from '../dispatch/index.ts'
import { reportHtml } from '../dispatch/report-html.ts'
import { createFold, createRuleParser, loadRuleSet } from '../rules/index.ts'
import { readSettings } from '../settings.ts'
import { codeOf, iso, raise, send } from './dispatch/desk.ts'
import { at, raises, ruleOf, setOf, START } from './rules/timeline.ts'

const HOUR_MS = 3_600_000
const hoursOf = (zone: string, day: string): number => {
  const z = openZone(zone)
  return (z.dayStartMs(dayAfter(day)) - z.dayStartMs(day)) / HOUR_MS
}

describe('local time', () => {
  it.each([
    ['Asia/Shanghai', '2026-03-12', 24, '2026-03-11T16:00:00.000Z'],
    ['America/New_York', '2026-03-08', 23, '2026-03-08T05:00:00.000Z'],
    ['America/New_York', '2026-11-01', 25, '2026-11-01T04:00:00.000Z'],
    ['Europe/Berlin', '2026-10-25', 25, '2026-10-24T22:00:00.000Z'],
    // the clock goes from 24:00 to 1:00: this day has no midnight
    ['Africa/Cairo', '2026-04-24', 23, '2026-04-23T22:00:00.000Z'],
    // and back from 24:00 to 23:00: the last hour of that day comes twice
    ['Africa/Cairo', '2026-10-29', 25, '2026-10-28T21:00:00.000Z'],
    ['Africa/Cairo', '2026-10-30', 24, '2026-10-29T22:00:00.000Z'],
    ['Asia/Kathmandu', '2026-03-12', 24, '2026-03-11T18:15:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-04', 23.5, '2026-10-03T13:30:00.000Z'],
  ])('%s, %s has %f hours', (zone, day, hours, begins) => {
    const z = openZone(zone)
    expect(iso(z.dayStartMs(day))).toBe(begins)
    expect(hoursOf(zone, day)).toBe(hours)
    expect(z.day(z.dayStartMs(day)), 'its first instant is of it').toBe(day)
    expect(z.day(z.dayStartMs(day) - 1), 'the one before is not').not.toBe(day)
  })

  it('goes through every day of years without a gap or an overlap', () => {
    for (const name of ['America/New_York', 'Africa/Cairo', 'America/Santiago', 'Asia/Beirut']) {
      const z = openZone(name)
      let day = '2025-01-01'
      for (let i = 0; i < 730; i += 1) {
        const fromMs = z.dayStartMs(day)
        const next = dayAfter(day)
        expect([name, z.day(fromMs), z.day(z.dayStartMs(next) - 1)]).toEqual([name, day, day])
        day = next
      }
    }
  })

  it('says what the clock on the wall says', () => {
    const z = openZone('America/New_York')
    const before = Date.parse('2026-03-08T06:59:59.000Z')
    expect([z.local(before), z.local(before + 1000)]).toEqual(['2026-03-08T01:59:59', '2026-03-08T03:00:00'])
    expect([z.minuteOfDay(before), z.minuteOfDay(before + 1000)]).toEqual([119, 180])
    expect([z.offsetMinutes(before), z.offsetMinutes(before + 1000)]).toEqual([-300, -240])
  })

  it('knows no such day, and no such place', () => {
    for (const day of ['2026-02-30', '2026-2-3', 'today', '']) expect(openZone('Asia/Shanghai').dayStartMs(day)).toBeNaN()
    expect(['Asia/Shanghai', 'UTC', 'Mars/Olympus', ''].map(isTimeZone)).toEqual([true, true, false, false])
    expect(() => openZone('Mars/Olympus')).toThrow(RangeError)
  })
})

describe('the setting', () => {
  it('is an IANA name, China where nothing is said, and refused where it is none', () => {
    expect(readSettings({}).timeZone).toBe('Asia/Shanghai')
    expect(readSettings({ FENGSUI_TIME_ZONE: 'Europe/Berlin' }).timeZone).toBe('Europe/Berlin')
    for (const wrong of ['Berlin', 'UTC+25', '480'])
      expect(
        codeOf(() => readSettings({ FENGSUI_TIME_ZONE: wrong })),
        wrong,
      ).toBe('setting-invalid')
  })

  it('is the day of the report, of its figures and of an incident’s number, also where clocks change', () => {
    // 25 hours: from 04:00 UTC on the 1st to 05:00 on the 2nd
    let nowMs = Date.parse('2026-11-01T04:00:00.000Z')
    const clock = { nowMs: () => nowMs }
    using queue = openDispatch({ file: ':memory:', clock, log: noLog, meter: noMeter, timeZone: 'America/New_York' })
    const fire = (id: string, at: string) => {
      nowMs = Date.parse(at)
      return send(queue, raise({ id, atMs: nowMs, place: { building: id } })).incidents[0]?.id
    }
    const ids = [
      fire('a', '2026-11-01T03:59:59.000Z'),
      fire('b', '2026-11-01T04:00:00.000Z'),
      fire('c', '2026-11-02T04:59:59.000Z'),
      fire('d', '2026-11-02T05:00:00.000Z'),
    ]
    expect(ids.map(id => id?.slice(0, 5))).toEqual(['F1031', 'F1101', 'F1101', 'F1102'])
    const report = queue.reports.daily('2026-11-01', nowMs)
    expect(report).toMatchObject({
      from: '2026-11-01T04:00:00.000Z',
      to: '2026-11-02T05:00:00.000Z',
      timeZone: 'America/New_York',
      utcOffsetMinutes: -240,
      complete: true,
      totals: { incidents: 2 },
    })
    // each time with the offset that was then
    const html = reportHtml(report, 'en')
    expect(html).toContain('2026-11-01 00:00:00')
    expect(html).toContain('2026-11-01 23:59:59')
    expect(queue.reports.today(nowMs)).toBe('2026-11-02')
    expect(queue.reports.today(nowMs - 1)).toBe('2026-11-01')
  })

  it('is what quiet hours are in', () => {
    let nowMs = 0
    const captain = (name: string) => ({
      name,
      ladder: [{ channel: 'tablet', to: 's', waitS: 30 }] as const,
      quiet: { fromMinute: 22 * 60, toMinute: 7 * 60 },
    })
    const told = (timeZone: string, at: string): number => {
      nowMs = Date.parse(at)
      const o = { file: ':memory:', clock: { nowMs: () => nowMs }, log: noLog, meter: noMeter, timeZone, recipients: [captain('chen')] }
      using queue = openDispatch(o)
      send(queue, raise({ id: 'a', severity: 2, atMs: nowMs }))
      return queue.outbox.due('tablet', nowMs, 9).length
    }
    // 06:30 in winter, 07:30 in summer
    expect(told('Europe/Berlin', '2026-01-15T05:30:00Z')).toBe(0)
    expect(told('Europe/Berlin', '2026-07-15T05:30:00Z')).toBe(1)
    expect(told('Asia/Shanghai', '2026-01-15T05:30:00Z')).toBe(1)
  })

  it('is what the night of a rule is in, unless the rule says another', async () => {
    const smoke = { ...ruleOf('device-alarm', { flags: ['smoke'] }), id: 'smoke' }
    const night = { within: 'building', counts: { 'fire-alarm': 1 }, night: 0.5, nightFromH: 22, nightToH: 6, raiseAt: 1.5 }
    const hour = new Date(START).getUTCHours()
    /** hours east of Greenwich where the recording begins: raised where that is night, by the district's clock or the rule's own */
    const raised = (timeZone: string, own: object = {}): boolean => {
      const rule = ruleOf('risk', { ...night, ...own })
      const fold = createFold({ ruleSet: setOf(rule, smoke), timeZone })
      const signals = fold.apply(at(1, { deviceId: 'd1', place: { building: 'b1' }, alarms: { smoke: true } }), 1)
      const [found] = raises(signals).filter(one => one.rule.id === rule.id)
      if (found !== undefined) expect(found.rule.parameters).toMatchObject(Object.keys(own).length === 0 ? { timeZone } : own)
      return found !== undefined
    }
    const isNightAt = (offsetH: number): boolean => [22, 23, 0, 1, 2, 3, 4, 5].includes((hour + offsetH + 24) % 24)
    // the sign of Etc/GMT names is the other way round
    for (let east = -11; east <= 12; east += 1) {
      const name = east === 0 ? 'UTC' : `Etc/GMT${east > 0 ? '-' : '+'}${Math.abs(east)}`
      expect([name, raised(name)]).toEqual([name, isNightAt(east)])
      expect([name, raised('UTC', { timeZone: name })]).toEqual([name, isNightAt(east)])
      expect([name, raised('UTC', { utcOffsetMinutes: 60 * east })]).toEqual([name, isNightAt(east)])
    }
    const shipped = (await loadRuleSet(join(import.meta.dirname, '../rules/sets/default'))).rules.find(rule => rule.kind === 'risk')
    expect(shipped?.parameters).not.toHaveProperty('timeZone')
    expect(shipped?.parameters).not.toHaveProperty('utcOffsetMinutes')
  })

  it('is checked where a rule names one', () => {
    const set = (zone: string) => `- id: night-risk
  version: 1
  kind: risk
  alarm: {kind: fire-alarm, severity: 1, latching: true}
  text: {zh: 险, en: risk}
  parameters: {within: building, counts: {fire-alarm: 1}, night: 1, nightFromH: 22, nightToH: 6, timeZone: ${zone}, raiseAt: 1}
`
    const problemOf = (zone: string): string => {
      try {
        createRuleParser()('s', { 'a.yaml': set(zone) })
        return ''
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(problemOf('Mars/Olympus')).toContain('timeZone')
    expect(problemOf('Europe/Berlin')).toBe('')
  })
})

// The lists of the other pages: CSV that no spreadsheet calculates, all pages of a list in order, what a silence and a hole mean.
import { describe, expect, test } from 'vitest'
import type { Device } from '#contracts/device.ts'
import { mistakesIn, spanOfLine, sumOf, together, type Answer, type Score } from '../../dashboard/web/src/pages/backtest-terms.ts'
import { cellOf, csvOf, fileName } from '../../dashboard/web/src/pages/csv.ts'
import { batteryOf, holesIn, silenceOf, withHoles } from '../../dashboard/web/src/pages/device-terms.ts'
import { clockTime, dayTime, setZone } from '../../dashboard/web/src/format.ts'
import { instantOf, pagesOf, queryOf, type FetchPage } from '../../dashboard/web/src/pages/listing.ts'
import { repeated } from '../../dashboard/web/src/pages/roster-terms.ts'
import { addressOf, namedIn, pageOf } from '../../dashboard/web/src/router.ts'

describe('CSV', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+cmd', "'+cmd"],
    ['-2+3', "'-2+3"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    ['\r=1', `"'\r=1"`],
  ])('%j is no formula', (given, cell) => expect(cellOf(given)).toBe(cell))
  test('numbers stay numbers, also as text and below zero', () => {
    expect([-3.5, '-3.5', '-12', 0, true, null, undefined].map(cellOf)).toEqual(['-3.5', '-3.5', '-12', '0', 'true', '', ''])
  })
  test('quotes what has commas, quotes and line ends, and ends lines as RFC 4180 says', () => {
    const columns = [
      { title: 'a', value: (row: string[]) => row[0] },
      { title: 'b', value: (row: string[]) => row[1] },
    ]
    expect(csvOf(columns, [['x,y', 'say "z"'], ['two\nlines']])).toBe('a,b\r\n"x,y","say ""z"""\r\n"two\nlines",\r\n')
  })
  test('the name of a file says what and when', () =>
    expect(fileName('devices', 0)).toMatch(/^devices-19(70|69)-\d\d-\d\dT\d\d-\d\d-\d\d\.csv$/))
})

test('a list that comes whole is cut into pages which together are all of it', async () => {
  const fetch: FetchPage<number> = pagesOf(async () => [1, 2, 3, 4, 5])
  expect(await fetch('', 2)).toEqual({ rows: [1, 2], total: 5, next: '2' })
  expect(await fetch('4', 2)).toEqual({ rows: [5], total: 5 })
})

test('a query asks only what was filled in; a local time becomes an instant', () => {
  expect(queryOf({ q: 'a b', kind: '', limit: 5, after: undefined })).toBe('q=a+b&limit=5')
  expect(instantOf('')).toBeUndefined()
  expect(instantOf('nonsense')).toBeUndefined()
  setZone('America/St_Johns')
  expect(instantOf('2026-07-22T02:13')).toBe('2026-07-22T04:43:00.000Z')
})

test('an address names a page and what is on it', () => {
  expect([pageOf('#/devices/smk-1'), namedIn('#/devices/smk-1')]).toEqual(['devices', 'smk-1'])
  expect(namedIn(addressOf('devices', 'a/b c%'))).toBe('a/b c%')
  expect([pageOf('#/devicesx'), namedIn('#/devices'), namedIn('#/devices/%E0%A4%A')]).toEqual(['desk', '', ''])
})

describe('a device', () => {
  const device = (o: Partial<Device> = {}): Device => ({
    deviceId: 'smk-1',
    kind: 'smoke',
    alarms: {},
    metrics: {},
    gaps: 0,
    readings: 0,
    ...o,
  })
  test('never heard is no silence of zero; a promise that was not made is not said to be one', () => {
    expect(silenceOf(device(), 1_000)).toEqual({ silentMs: null, expectMs: 90_000_000, isSaid: false })
    expect(silenceOf(device({ lastReceivedAt: new Date(0).toISOString(), expectNextS: 60 }), 90_000)).toEqual({
      silentMs: 90_000,
      expectMs: 60_000,
      isSaid: true,
    })
  })
  test('a battery that is not told is unknown, not full; the device’s own warning counts more than its figure', () => {
    expect(batteryOf(device())).toBe('unknown')
    expect(batteryOf(device({ batteryPct: 20 }))).toBe('good')
    expect(batteryOf(device({ batteryPct: 19 }))).toBe('low')
    expect(batteryOf(device({ batteryPct: 90, alarms: { lowBattery: true } }))).toBe('low')
  })
  test('the line breaks where nothing was heard for longer than may be, and nowhere else', () => {
    const points: [number, number][] = [0, 60, 120, 180, 600, 660].map(s => [s * 1000, s])
    expect(holesIn(points, 60_000)).toBe(1)
    expect(withHoles(points, 60_000)).toEqual([
      [0, 60, 120, 180, 390, 600, 660],
      [0, 60, 120, 180, null, 600, 660],
    ])
    expect(holesIn(points, 300_000), 'within what it promised').toBe(0)
    expect(withHoles([], 60_000)).toEqual([[], []])
  })
})

describe('a rule set', () => {
  test('that was refused leads to file and line of every mistake; what names none is told as it is', () => {
    const message = 'the rule set cannot be used:\nfire.yaml:12: /0/kind must be one of a, b\nfire.yaml:3:7 bad indentation\n... and 4 more'
    expect(mistakesIn(message)).toEqual([
      { file: 'fire.yaml', line: 12, what: '/0/kind must be one of a, b' },
      { file: 'fire.yaml', line: 3, what: 'bad indentation' },
      { what: '... and 4 more' },
    ])
    expect(spanOfLine('ab\ncde\nf', 2)).toEqual([3, 6])
    expect(spanOfLine('ab', 9)).toEqual([2, 2])
  })
  const score = (o: Partial<Score> = {}): Score => ({
    name: 'n',
    messages: 1,
    readings: 1,
    fires: [],
    alarms: [],
    alarmsByRule: {},
    missed: [],
    falseAlarms: [],
    quiet: null,
    ...o,
  })
  const fire = (detectedAfterS: number | null) => ({
    building: 'b',
    what: 'w',
    detectedAfterS,
    againstFirstAlarmS: null,
    incidents: 1,
    rule: null,
  })
  const difference = (same: number) => ({ added: [], removed: [], earlier: [], later: [], same, fires: [] })
  test('tried recording by recording comes to the same as all at once', () => {
    const parts: Answer[] = [
      { ruleSet: { name: 'x', version: 'v', rules: 1 }, recordings: [score({ name: 'a', fires: [fire(9)] })], difference: difference(2) },
      {
        recordings: [score({ name: 'b', fires: [fire(null)], missed: [{}], quiet: { hours: 2, falseAlarms: 3, perHour: 1.5 } })],
        difference: difference(5),
      },
    ]
    const whole = together(parts)
    expect(whole.recordings.map(one => one.name)).toEqual(['a', 'b'])
    expect(whole.difference).toMatchObject({ same: 7 })
    expect(together([{ recordings: [] }])).not.toHaveProperty('difference')
    expect(sumOf(whole.recordings)).toMatchObject({ fires: 2, found: 1, missed: 1, quietHours: 2, quietFalse: 3 })
  })
})

test('a turn of duty that is repeated begins at the same hour each day, and is bounded', () => {
  setZone('Europe/Berlin')
  // the clocks go back in the second night: eight in the evening stays eight in the evening
  const shifts = repeated({ from: '2026-10-23T18:00:00.000Z', to: '2026-10-24T06:00:00.000Z', crew: 2 }, 3)
  expect(shifts.map(one => one.from)).toEqual(['2026-10-23T18:00:00.000Z', '2026-10-24T18:00:00.000Z', '2026-10-25T19:00:00.000Z'])
  expect(shifts.map(one => one.to)).toEqual(['2026-10-24T06:00:00.000Z', '2026-10-25T07:00:00.000Z', '2026-10-26T07:00:00.000Z'])
  expect(shifts.every(one => one.crew === 2)).toBe(true)
  expect(repeated(shifts[0]!, 10_000)).toHaveLength(92)
  expect(repeated(shifts[0]!, Number.NaN)).toHaveLength(1)
})

test('every time is the district’s, whatever zone the computer is in', () => {
  const at = '2026-03-12T17:40:05Z'
  setZone('Asia/Shanghai')
  expect(clockTime(at)).toBe('01:40:05')
  expect(dayTime(at, Date.parse('2026-03-12T16:30:00Z'))).toBe('01:40:05')
  expect(dayTime(at, Date.parse('2026-03-12T15:30:00Z'))).toBe('03-13 01:40:05')
  expect(fileName('devices', Date.parse(at))).toBe('devices-2026-03-13T01-40-05.csv')
  setZone('America/New_York')
  expect(clockTime(at)).toBe('13:40:05')
  setZone('Nowhere/None')
  expect(clockTime(at)).toBe('13:40:05')
  expect([clockTime('never'), dayTime('', 0)]).toEqual(['—', '—'])
})

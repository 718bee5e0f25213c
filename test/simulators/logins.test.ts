// Devices in and out as CSV, and credentials by a child command that prints JSON lines.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { csvOf, importRows, isLoopback, issueByAdmin, readLogins } from '../../simulators/logins.ts'
import { DEVICES_PER_GATEWAY } from '../../simulators/plan.ts'
import { planOf } from './setup.ts'

const planned = planOf(700)

test('a plan has the asked devices, unique, in four kinds, detectors behind gateways of at most 200', () => {
  const kinds = Map.groupBy(planned, p => p.kind)
  expect([...kinds.keys()].toSorted()).toEqual(['camera', 'drone', 'gateway', 'micro-station', 'smoke'])
  expect(planned.filter(p => p.kind !== 'gateway')).toHaveLength(700)
  expect(new Set(planned.map(p => p.deviceId)).size).toBe(planned.length)
  const gateways = new Set(kinds.get('gateway')!.map(p => p.deviceId))
  for (const [via, members] of Map.groupBy(kinds.get('smoke')!, p => p.via)) {
    expect(gateways.has(via!)).toBe(true)
    expect(members.length).toBeLessThanOrEqual(DEVICES_PER_GATEWAY)
  }
  for (const p of planned) expect(p.lat > 31.61 && p.lat < 32.11 && p.lon > 118.48 && p.lon < 119.13, p.deviceId).toBe(true)
})

test('the same seed plans the same devices', () => {
  expect(planOf(700)).toEqual(planned)
  expect(planOf(700, 'other')).not.toEqual(planned)
})

test('a plan of 20,000 is possible', () => {
  expect(planOf(20_000).filter(p => p.kind !== 'gateway')).toHaveLength(20_000)
})

test('the import file has exactly the columns of the admin command and survives commas and quotes', () => {
  const text = csvOf([...importRows(planned, () => 60), { deviceId: 'x', kind: 'smoke', name: 'a "b", c' }])
  const rows = parse(text, { columns: true }) as Record<string, string>[]
  expect(text.split('\n')[0]).toBe('deviceId,kind,via,grants,password,name,area,grid,building,floor,room,lat,lon,expectNextS')
  expect(rows).toHaveLength(planned.length + 1)
  expect(rows[0]!['kind']).toBe('gateway')
  expect(rows.at(-1)!['name']).toBe('a "b", c')
  expect(rows.find(r => r['room'] === '1405')).toMatchObject({ building: '青禾里 2 幢', floor: '14', expectNextS: '60' })
})

const HEAD = 'deviceId,kind,via,password,name,area,building,floor,room,lat,lon'
test('a credentials file gives devices and logins', () => {
  const text = `${HEAD}\ngw-x,gateway,,pw1,门卫网关,甲街道,,,,31.9,118.8\ns-1,smoke,gw-x,,,甲街道,一号楼,3,301,31.9,118.8\ncam-1,camera,,pw2,,甲街道,一号楼,,,31.9,118.8\n`
  const { planned, logins } = readLogins(text, 'f.csv')
  expect(planned.map(p => [p.deviceId, p.kind, p.via])).toEqual([
    ['gw-x', 'gateway', undefined],
    ['s-1', 'smoke', 'gw-x'],
    ['cam-1', 'camera', undefined],
  ])
  expect(logins.get('cam-1')).toEqual({ username: 'cam-1', password: 'pw2' })
})
test.each([
  ['an unknown kind', 'x,toaster,,pw,,,,,,31.9,118.8', /line 2: kind 'toaster'/],
  ['a bad id', 'a b,smoke,,pw,,,,,,31.9,118.8', /line 2: deviceId/],
  ['no place', 'x,smoke,,pw,,,,,,,', /line 2: lat and lon/],
  ['no password for its gateway', 'x,smoke,gw-9,,,,,,,31.9,118.8', /line 2: no row gives a password for 'gw-9'/],
])('a credentials file with %s is refused by line', (_what, row, reason) => {
  expect(() => readLogins(`${HEAD}\n${row}\n`, 'f.csv')).toThrow(reason)
})

test('logins come from the lines a child command prints; its failure is told in its own words', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-admin-'))
  const admin = join(dir, 'admin.mjs')
  writeFileSync(
    admin,
    `import { readFileSync } from 'node:fs'
     const [what, verb, file] = process.argv.slice(2)
     if (what !== 'device' || verb !== 'import') process.exit(9)
     for (const line of readFileSync(file, 'utf8').trim().split('\\n').slice(1)) { const deviceId = line.split(',')[0]; console.log(JSON.stringify({ deviceId, username: deviceId, password: 'p-' + deviceId })) }`,
  )
  const logins = await issueByAdmin(
    importRows(planned, () => 60),
    admin,
  )
  expect(logins.size).toBe(planned.length)
  expect(logins.get('gw-001')).toEqual({ username: 'gw-001', password: 'p-gw-001' })
  writeFileSync(admin, 'console.error("no such folder"); process.exit(2)')
  await expect(issueByAdmin([{ deviceId: 'a', kind: 'smoke' }], admin)).rejects.toThrow(/no such folder/)
})

test.each([
  ['mqtt://127.0.0.1:1883', true],
  ['mqtt://localhost:1883', true],
  ['mqtt://[::1]:1883', true],
  ['mqtt://broker.example:1883', false],
])('%s on this machine: %s', (url, expected) => {
  expect(isLoopback(new URL(url))).toBe(expected)
})

// The simulate command as a user runs it: bad usage is told, a run ends cleanly when asked to, with its summary as the last line.
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { planOf, startTestBroker, until } from './setup.ts'

function simulate(args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../simulators/simulate.ts'), ...args])
  const run = {
    out: '',
    err: '',
    stop: () => child.kill('SIGTERM'),
    ended: new Promise<number | null>(resolve => child.on('close', resolve)),
  }
  child.stdout.on('data', chunk => (run.out += String(chunk)))
  child.stderr.on('data', chunk => (run.err += String(chunk)))
  return run
}

const planned = planOf(40)
const credentials = join(mkdtempSync(join(tmpdir(), 'fengsui-simulate-')), 'devices.csv')
const rows = planned.map(p =>
  [p.deviceId, p.kind, p.via ?? '', p.via === undefined ? 'pw' : '', p.name, p.area, p.building, p.floor, p.room, p.lat, p.lon].join(','),
)
writeFileSync(credentials, ['deviceId,kind,via,password,name,area,building,floor,room,lat,lon', ...rows].join('\n'))

test('tells the fire to a broker and ends cleanly on SIGTERM', async () => {
  const broker = await startTestBroker({ accept: (_user, password) => password === 'pw' })
  const run = simulate([
    '--credentials',
    credentials,
    '--url',
    `mqtt://127.0.0.1:${broker.port}`,
    '--rate',
    '20',
    '--seed',
    '7',
    '--scenario',
    'night-fire',
    '--speed',
    '40',
  ])
  const sounding = () =>
    broker.heard.filter(
      h => h.topic.endsWith('/event') && (JSON.parse(String(h.payload)) as { alarms: { smoke?: boolean } }).alarms.smoke === true,
    )
  await until('two detectors sound', () => new Set(sounding().map(h => h.topic)).size >= 2, 25_000)
  run.stop()
  expect(await run.ended).toBe(0)
  expect(run.err).toBe('')
  const summary = JSON.parse(run.out.trim().split('\n').at(-1)!) as {
    building: string
    room: string
    ignitedAt: string
    detectors: { deviceId: string }[]
    dropped: number
  }
  expect(summary).toMatchObject({ building: '青禾里 2 幢', room: '1405', dropped: 0 })
  expect(Date.parse(summary.ignitedAt)).toBeLessThan(Date.now())
  expect(summary.detectors.map(d => d.deviceId)).toEqual(expect.arrayContaining(sounding().map(h => h.topic.split('/')[3])))
  await broker.stop()
})

test('bad usage ends with 2 and says what is allowed', async () => {
  const cases: [string[], RegExp][] = [
    [['--devices', '5'], /--devices 5: must be a number from 10 to 20000/],
    [['--scenario', 'party'], /quiet-night, night-fire/],
    [['--url', 'mqtt://broker.example'], /--credentials/],
    [['--url', 'mqtt://user:word@127.0.0.1'], /not inside the address/],
    [['--credentials', '/nowhere.csv'], /nowhere\.csv/],
  ]
  const runs = await Promise.all(cases.map(async ([args, reason]) => ({ reason, run: simulate(args) })))
  for (const { reason, run } of runs) {
    expect(await run.ended).toBe(2)
    expect(run.err).toMatch(reason)
  }
})

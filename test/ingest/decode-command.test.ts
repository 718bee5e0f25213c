// `npm run decode` as a process: one JSON line a file, both forms, and what it says to wrong arguments.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const fixture = (name: string) => join(root, 'test/fixtures', name)
function run(...args: string[]): { lines: Record<string, unknown>[]; status: number | null; stderr: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'bin/decode.ts'), ...args], { encoding: 'utf8' })
  return {
    lines: stdout
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Record<string, unknown>),
    status,
    stderr,
  }
}

test('a topic and files', () => {
  const file = fixture('native/smoke-alarm.json')
  const { lines, status } = run(
    '--topic',
    'fire/v1/smoke/smk-jn-000123/telemetry',
    '--received-at',
    '2025-12-31T18:18:00Z',
    '--header',
    'k=v',
    file,
    fixture('native/camera-fire.json'),
  )
  expect(status).toBe(0)
  expect(lines).toMatchObject([
    { file, readings: [{ deviceId: 'smk-jn-000123', tsSource: 'device', alarms: { smoke: true } }] },
    { readings: [], rejected: { code: 'device-id-mismatch' } },
  ])
  expect(lines[0]).not.toHaveProperty('rejected')
})

test('a manifest, in order, with state kept', () => {
  const { lines } = run('--manifest', fixture('zigbee2mqtt/sources.json'))
  expect(lines.find(line => line['file'] === 'heat-detector-says-smoke.json')).toMatchObject({ readings: [{ kind: 'heat' }] })
  expect(lines.find(line => line['file'] === 'bridge-devices.json')).toMatchObject({ readings: [], control: expect.any(String) as string })
})

test('a family without a decoder, and arguments that are wrong', () => {
  expect(run('--topic', '-', '--family', 'no-such-family', fixture('native/smoke-alarm.json')).lines[0]).toMatchObject({
    rejected: { code: 'unknown-topic' },
  })
  expect(run('--topic', 't')).toMatchObject({ status: 2, stderr: expect.stringContaining('no file given') as string })
  expect(run('x')).toMatchObject({ status: 2, stderr: expect.stringContaining('--topic is missing') as string })
  expect(run('--topic', 't', '--received-at', 'noon', fixture('native/smoke-alarm.json'))).toMatchObject({ status: 2 })
  expect(run('--topic', 't', 'no-such-file')).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot read') as string })
})

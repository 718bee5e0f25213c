// A bridge of a real edge process to a real mosquitto, both killed in the middle of a backlog: nothing is lost, nothing is doubled.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, test } from 'vitest'
import type { RoomHealth } from '#contracts/live.ts'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { createRepeats } from '../../ingest/repeats.ts'
import { openReader } from '../../journal/index.ts'
import { until } from '../system/running.ts'
import { openMosquitto } from './mosquitto.ts'

const MESSAGES = 400

test('kill -9 of ours and of theirs while it brings a backlog', async () => {
  const foreign = await openMosquitto()
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-bridge-'))
  const file = join(dir, 'bridges.json')
  writeFileSync(file, JSON.stringify({ mqtt: [{ name: 'site-2', url: foreign.url, topics: [{ filter: 'site2/#', strip: 'site2/' }] }] }))
  const env = {
    FENGSUI_DATA_DIR: dir,
    FENGSUI_MQTT_PORT: '0',
    FENGSUI_HTTP_PORT: '0',
    FENGSUI_CLOCK_S: '0',
    FENGSUI_CANARY_S: '0',
    FENGSUI_BRIDGES_FILE: file,
  }
  const start = async () => {
    const child = fork(join(import.meta.dirname, 'edge-until-killed.ts'), { env: { ...process.env, ...env } })
    await once(child, 'message')
    return {
      async line() {
        child.send('health')
        const [lines] = (await once(child, 'message')) as [RoomHealth[]]
        return lines.find(line => line.room === 'bridges')
      },
      async kill() {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      },
    }
  }
  const first = await start() // makes the session there
  await until(async () => (await first.line())?.ok === true, 60_000, 'the bridge is connected')
  expect((await first.line())?.detail).toBe('1 of 1 connected')
  const publish = await mqtt.connectAsync(foreign.url, { reconnectPeriod: 0 })
  const send = (from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) => {
        const reading = {
          v: 1,
          msgId: `bridged-${from + i}`,
          deviceId: 'b1',
          kind: 'environment',
          ts: Date.now(),
          metrics: { temperature_c: i },
        }
        return publish.publishAsync('site2/fire/v1/environment/b1/telemetry', JSON.stringify(reading), { qos: 1 })
      }),
    )
  await send(0, MESSAGES / 2)
  await first.kill() // with some of them taken and not acknowledged
  await send(MESSAGES / 2, MESSAGES)
  await publish.endAsync()
  await foreign.save()
  await foreign.kill()

  const second = await start()
  await until(async () => /^0 of 1 connected; site-2: .*tried again/.test((await second.line())?.detail ?? ''), 60_000, 'the loss is shown')
  await foreign.start()
  const reader = openReader({ dir })
  const ids = () => new Set(reader.read(0, 10_000).map(m => (JSON.parse(Buffer.from(m.payload).toString()) as { msgId: string }).msgId))
  await until(
    () => ids().size === MESSAGES,
    30_000,
    () => `all messages: ${ids().size}`,
  )
  await second.kill()

  const catalogue = createCatalogue({ decoders: await loadDecoders() })
  const repeats = createRepeats()
  const stored = reader.read(0, 10_000).filter(m => !repeats.isRepeat(m, catalogue.decode(m)))
  expect(stored).toHaveLength(MESSAGES)
  reader.close()
  await foreign.close()
  rmSync(dir, { recursive: true, force: true })
})

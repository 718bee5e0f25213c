// The parts as app.ts wires them, when a database beside the way of an alarm cannot be used.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { createApp, createEdge } from '../app.ts'
import { openQuarantine } from '../ingest/index.ts'
import { readSettings, type Settings } from '../settings.ts'
import { until } from './ingest/readings.ts'

let dir: string
let settings: Settings
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fengsui-app-'))
  settings = { ...readSettings({ FENGSUI_DATA_DIR: dir, FENGSUI_FLOWS_PORT: '0' }, dir), host: '127.0.0.1', mqttPort: 0, httpPort: 0 }
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('the door does not stand still while another program holds the quarantine', { timeout: 60_000 }, async () => {
  const edge = await createEdge(settings, { clock: systemClock, log: noLog }, () => {})
  const other = new DatabaseSync(join(dir, 'quarantine.db'))
  other.exec('BEGIN IMMEDIATE')
  const wrong = { username: 'nobody', password: 'x', reconnectPeriod: 0 }
  await expect(mqtt.connectAsync(`mqtt://127.0.0.1:${edge.port}`, wrong)).rejects.toThrow()
  const before = performance.now()
  let longestMs = 0
  for (let last = before; last - before < 3000;) {
    await delay(20)
    longestMs = Math.max(longestMs, performance.now() - last)
    last = performance.now()
  }
  expect(longestMs).toBeLessThan(3000)
  other.exec('ROLLBACK')
  other.close()
  // the refusal waited, and was not lost
  using quarantine = openQuarantine({ dir })
  await until(() => quarantine.list({ limit: 1 }).total === 1)
  await edge.close()
})

test('announced devices that cannot be read are said on /readyz, and end nothing', { timeout: 60_000 }, async () => {
  const app = await createApp(settings)
  const dispatchLine = async () => {
    const answer = await fetch(`http://127.0.0.1:${app.core.port}/readyz`, { headers: { accept: 'application/json' } })
    const { rooms } = (await answer.json()) as { rooms: { room: string; ok: boolean; detail: string }[] }
    return rooms.find(({ room }) => room === 'dispatch')
  }
  await until(async () => (await dispatchLine())?.ok === true)
  const other = new DatabaseSync(join(dir, 'registrations.db'))
  const tables = other.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
  for (const { name } of tables) other.exec(`ALTER TABLE ${String(name)} RENAME TO ${String(name)}_away`)
  await until(async () => (await dispatchLine())?.ok === false)
  for (const { name } of tables) other.exec(`ALTER TABLE ${String(name)}_away RENAME TO ${String(name)}`)
  other.close()
  await until(async () => (await dispatchLine())?.ok === true)
  await app.close()
})

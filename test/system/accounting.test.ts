// The account and quarantine in a real browser on the real system: every message a device sent stands in the sum, what never came is
// named, a broken alarm is corrected by hand and becomes an incident, also over kill -9 and from the command line.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { differenceOf, type AccountingReport } from '#contracts/accounting.ts'
import type { Incident } from '#contracts/incident.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { openBrowser, openDesk } from './browser.ts'
import { device, register, run, start, until, type Running } from './running.ts'

/** no message but the devices' own: the numbers here are exact */
const SILENT = { FENGSUI_CLOCK_S: '0' }
let running: Running
let browser: Browser
let credentials: { username: string; password: string }

beforeAll(async () => {
  running = await start({ env: SILENT })
  browser = await openBrowser()
  credentials = await register(running, { deviceId: 'smk-1', kind: 'smoke', name: 'Kitchen', place: { building: 'b2' } })
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

const TOPIC = 'fire/v1/smoke/smk-1/telemetry'
const body = (seq: number, o: object = {}) =>
  JSON.stringify({
    v: 1,
    deviceId: 'smk-1',
    kind: 'smoke',
    msgId: `message-${seq}`,
    ts: Date.now(),
    seq,
    boot: 1,
    smoke: { temperatureC: 20 + seq },
    ...o,
  })
async function publish(...payloads: string[]): Promise<void> {
  const client = await device(running, credentials.username, credentials.password)
  for (const payload of payloads) await client.publishAsync(TOPIC, payload, { qos: 1 })
  await client.endAsync()
}
const report = () => running.get<AccountingReport>('/api/v1/accounting')
const settled = (accepted: number) =>
  until(
    async () => {
      const { known, accepted: head, account } = await report()
      return known && head === accepted && account?.inFlight === 0
    },
    60_000,
    `${accepted} messages accounted for`,
  )
const broken = (seq: number) => body(seq, { alarms: { smoke: true } }).slice(0, -1)

test('the sum on the page is what was sent, and the missing numbers stand under the device’s name', async () => {
  const repeated = body(1)
  await publish(repeated, repeated, body(2), body(6), broken(7))
  await settled(5)
  const { account, gaps } = await report()
  expect(account).toMatchObject({ balanced: true, counts: { stored: 3, duplicate: 1, quarantined: 1 } })
  expect(gaps).toMatchObject({ missing: 3, top: [{ deviceId: 'smk-1', name: 'Kitchen', ranges: [{ boot: 1, from: 3, to: 5 }] }] })

  const page = await openDesk(browser, running)
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  await page.goto(`${running.http}/#/accounting`)
  await page.locator('[data-testid="verdict"][data-state="balanced"]').waitFor({ timeout: 60_000 })
  for (const [name, n] of [
    ['stored', 3],
    ['duplicate', 1],
    ['quarantined', 1],
    ['in-flight', 0],
  ] as const)
    await page.locator(`[data-testid="term-${name}"][data-messages="${n}"]`).waitFor({ timeout: 60_000 })
  const gap = await page.locator('[data-testid="gap-row"][data-device-id="smk-1"]').textContent()
  expect(gap).toContain('Kitchen')
  expect(gap).toContain('#1: 3–5')
  expect(await page.getByTestId('advice').locator('li').count()).toBe(2)

  // the broken alarm: found, looked at, mended, sent
  await page.goto(`${running.http}/#/quarantine`)
  await page.getByTestId('filter-code').selectOption('json-invalid')
  await page.getByTestId('open-entry').first().click()
  const payload = page.getByTestId('payload')
  await payload.waitFor({ timeout: 60_000 })
  await payload.fill(`${await payload.inputValue()}}`)
  await page.getByTestId('dialog-submit').click()
  await page.locator('[data-testid="quarantine-row"][data-disposition="redriven"]').waitFor({ timeout: 60_000 })
  const open = async () => (await running.get<{ incidents: Incident[] }>('/api/v1/incidents?state=open')).incidents
  await until(async () => (await open()).some(({ category }) => category === 'fire'), 60_000, 'the mended alarm is an incident')
  await settled(6)
  expect((await report()).account).toMatchObject({ balanced: true, counts: { stored: 4, duplicate: 1, quarantined: 1 } })
  expect(errors).toEqual([])
  await page.context().close()
})

test('after kill -9 the account goes on from exactly there', async () => {
  await running.kill()
  const ports = { mqtt: running.mqttPort, http: Number(new URL(running.http).port), flows: 0 }
  running = await start({ dir: running.dir, ports, env: SILENT })
  await settled(6)
  await publish(body(1), body(8))
  await settled(8)
  const { account } = await report()
  expect(account).toMatchObject({ since: 0, balanced: true, counts: { stored: 5, duplicate: 2, quarantined: 1 } })
  expect(differenceOf(account!)).toBe(0)
})

test('from the command line: listed, shown, sent again by the filter, put away', async () => {
  await publish(broken(9), broken(10))
  await settled(10)
  const admin = async (...args: string[]) => {
    const env = { FENGSUI_DATA_DIR: running.dir, FENGSUI_HTTP_PORT: new URL(running.http).port }
    const { code, stdout, stderr } = await run('bin/admin.ts', ['quarantine', ...args], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as QuarantineEntry & { payload: string; redriven: number; remaining: number })
  }
  const held = await admin('list', '--code', 'json-invalid', '--disposition', 'held', '--device', 'smk-1')
  expect(held).toHaveLength(2)
  expect((await admin('show', held[0]!.id))[0]?.payload).toMatch(/"seq":10,.*"alarms":\{"smoke":true\}$/)
  expect(await admin('redrive', '--code', 'json-invalid', '--topic-prefix', 'fire/v1/')).toMatchObject([
    { redriven: 2, failed: [], remaining: 0 },
  ])
  await settled(12)
  // unmended, they are held again under the message they came back as
  const again = await admin('list', '--disposition', 'held')
  expect(again.map(({ redriveOf }) => redriveOf).sort()).toEqual(held.map(({ id }) => id).sort())
  expect((await admin('discard', again[0]!.id))[0]).toMatchObject({ disposition: 'discarded', settledBy: expect.stringMatching(/^token:/) })
  expect((await report()).account).toMatchObject({ balanced: true, counts: { quarantined: 5 } })
})

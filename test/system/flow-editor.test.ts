// The real Node-RED editor in a real browser behind the real API: one login, a working comms socket, nothing refused by the
// page's own policy, and a deploy that stands in the audit under the person's name.
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { startFlows, type Flows } from '../../flows/start.ts'
import { PASSWORD, startRoom, type Room } from '../api/room.ts'
import { openBrowser } from './browser.ts'
import { freePort, until } from './running.ts'

const SECRET = 'shared by core and flows, never by a browser'
let room: Room
let flows: Flows
let browser: Browser

beforeAll(async () => {
  const port = await freePort()
  room = await startRoom({
    roles: ['engineer', 'officer', 'station'],
    parts: { flows: { url: `http://127.0.0.1:${port}`, token: () => SECRET } },
  })
  room.issue('flows', ['feed', 'alarms:raise', 'read'])
  flows = await startFlows({
    host: '127.0.0.1',
    port,
    userDir: join(room.dir, 'flows'),
    apiUrl: room.url,
    apiToken: room.tokens['flows']!,
    ssoSecret: SECRET,
    credentialSecret: 'credentials',
    lang: 'en-US',
    log: noLog,
    meter: noMeter,
  })
  browser = await openBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await flows?.close()
  await room?.[Symbol.asyncDispose]()
})

async function editor(username: string) {
  const context = await browser.newContext({ locale: 'en-US' })
  const page = await context.newPage()
  const refused: string[] = []
  const foreign: string[] = []
  const sockets: string[] = []
  page.on('console', message => /Content Security Policy|Refused to/.test(message.text()) && refused.push(message.text()))
  page.on('request', request => !request.url().startsWith(room.url) && !/^(blob|data):/.test(request.url()) && foreign.push(request.url()))
  page.on('websocket', socket => socket.on('framereceived', frame => sockets.push(String(frame.payload))))
  expect((await page.request.post(`${room.url}/api/v1/session`, { data: { username, password: PASSWORD } })).status()).toBe(200)
  await page.goto(`${room.url}/flows/`)
  await page.locator('#red-ui-palette-container-fengsui').waitFor({ timeout: 60_000, state: 'attached' })
  return { page, refused, foreign, sockets }
}

test('an engineer opens the editor with the dashboard’s login and deploys', async () => {
  const { page, refused, foreign, sockets } = await editor('engineer')
  expect(await page.locator('#red-ui-login-dialog, #node-dialog-login').count()).toBe(0)
  await until(() => sockets.length > 0, 15_000, 'a frame on the comms socket')
  const deployed = await page.evaluate(async () => {
    const { rev, flows } = (await (await fetch('flows', { headers: { 'Node-RED-API-Version': 'v2' } })).json()) as {
      rev: string
      flows: object[]
    }
    const headers = { 'Node-RED-API-Version': 'v2', 'content-type': 'application/json' }
    return (await fetch('flows', { method: 'POST', headers, body: JSON.stringify({ rev, flows }) })).status
  })
  expect(deployed).toBe(200)
  expect(room.dispatch.audit({ limit: 10 })).toContainEqual(
    expect.objectContaining({ actor: 'user:engineer', action: 'flows.write', subject: '/flows/flows' }),
  )
  expect({ refused, foreign }).toEqual({ refused: [], foreign: [] })
  await page.context().close()
}, 120_000)

test('an officer may look and not deploy; a station does not get in', async () => {
  const { page } = await editor('officer')
  expect(await page.evaluate(async () => (await fetch('flows', { method: 'POST', body: '{}' })).status)).toBe(403)
  await page.context().close()
  expect((await room.ask('/flows/', { as: 'station' })).status).toBe(403)
}, 120_000)

test('while Node-RED restarts the editor is a 503, and it comes back by itself', async () => {
  process.kill(flows.pid()!, 'SIGKILL')
  await until(async () => (await room.ask('/flows/settings', { as: 'engineer' })).status === 503, 10_000, '503 while it is away')
  await until(async () => (await room.ask('/flows/settings', { as: 'engineer' })).status === 200, 30_000, 'the editor is back')
}, 60_000)

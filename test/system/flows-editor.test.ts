// The flow editor in a real browser, behind the dashboard's door: no second login, our nodes and words, and nothing leaves the machine.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, openDesk } from './browser.ts'
import { start, until, type Running } from './running.ts'

type Red = {
  settings: { user?: { username: string } }
  nodes: {
    node(id: string): { id: string; _def: { defaults: object } }
    eachNode(visit: (node: { id: string; type: string }) => void): void
  }
  editor: { edit(node: object): void }
  comms: { subscribe(topic: string, heard: (topic: string) => void): void }
  actions: { invoke(action: string): void }
}
declare const RED: Red

let running: Running
let browser: Browser
let page: Page & { foreign: string[] }
beforeAll(async () => {
  ;[running, browser] = await Promise.all([start({ flows: true }), openBrowser([])])
  await until(async () => (await running.api('/flows/settings')).status === 200, 30_000, 'Node-RED answers behind the proxy')
  page = await openDesk(browser, running)
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

async function openEditor(): Promise<void> {
  await page.goto(`${running.http}/flows/`)
  await page.locator('.red-ui-flow-node-group').first().waitFor({ timeout: 30_000 })
}

test('opens for who is signed in, with the shipped flow and our nodes in Chinese', async () => {
  const comms = page.waitForEvent('websocket', { predicate: socket => socket.url().endsWith('/flows/comms'), timeout: 30_000 })
  await openEditor()
  const heard = (await comms).waitForEvent('framereceived', { timeout: 20_000 })
  expect(await page.locator('#node-dialog-login').count()).toBe(0)
  expect(await page.evaluate(() => RED.settings.user?.username)).toBe('admin')
  await page.locator('#red-ui-palette').getByText('报警', { exact: true }).waitFor()
  expect(String((await heard).payload)).not.toContain('"fail"')
}, 60_000)

test('a node of ours shows its settings and its help', async () => {
  const id = await page.evaluate(() => {
    let found = ''
    RED.nodes.eachNode(node => (found = node.type === 'fire-alert' ? node.id : found))
    RED.editor.edit(RED.nodes.node(found))
    return found
  })
  expect(id).not.toBe('')
  await page.locator('#node-input-kind').waitFor()
  expect(await page.locator('#node-input-kind').inputValue()).toBe('fire-alarm')
  expect(await page.locator('.red-ui-tray').innerText()).toContain('Ⅰ级(最严重)')
  await page.locator('#node-dialog-cancel').click()
  await page.locator('#node-input-name').waitFor({ state: 'detached' })
})

test('every setting of a node can be seen and changed', async () => {
  for (const type of ['fire-reading', 'fire-alert']) {
    const settings = await page.evaluate(type => {
      let found = ''
      RED.nodes.eachNode(node => (found = node.type === type ? node.id : found))
      RED.editor.edit(RED.nodes.node(found))
      return Object.keys(RED.nodes.node(found)._def.defaults)
    }, type)
    await page.locator('#node-input-name').waitFor()
    for (const setting of settings) expect(await page.locator(`#node-input-${setting}`).count(), `${type}.${setting}`).toBe(1)
    await page.locator('#node-dialog-cancel').click()
    await page.locator('#node-input-name').waitFor({ state: 'detached' })
  }
})

test('a sign-in left over from the editor itself does not bring up a second login', async () => {
  await page.evaluate(() => localStorage.setItem('auth-tokens-flows', JSON.stringify({ access_token: 'long out of date' })))
  await openEditor()
  await page.waitForTimeout(1000)
  expect(await page.locator('#node-dialog-login').count()).toBe(0)
  expect(await page.evaluate(() => localStorage.getItem('auth-tokens-flows'))).toBeNull()
}, 60_000)

test('nothing was asked of another machine', () => expect(page.foreign).toEqual([]))

// A real Chromium for tests: headless, software GL, no connection leaves the machine.
import { chromium, type Browser, type Page } from 'playwright-core'
import { PASSWORD, type Running } from './running.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
export const SOFTWARE_GL = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist']

/** Where no WebGL is drawn: Debian has pages painted by a GPU, and one that is only played costs many times the page. */
export const PLAIN = ['--disable-gpu']

/** WebRTC between two pages here goes by addresses: no multicast DNS answers for their hidden names. */
export const REAL_ADDRESSES = '--disable-features=WebRtcHideLocalIpsWithMdns'

export const openBrowser = (extra: string[] = SOFTWARE_GL): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: [...FLAGS, ...extra] })

/** A fresh person at a fresh desk: signs in through the page and waits for the queue. `foreign` collects requests that left the origin. */
export async function openDesk(
  browser: Browser,
  running: Running,
  o: { user?: string; password?: string; query?: string; /** no request for such an address gets an answer */ blocked?: RegExp } = {},
): Promise<Page & { foreign: string[] }> {
  // a computer that stands in another zone than the district
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 }, locale: 'zh-CN', timezoneId: 'America/St_Johns' })
  const page = await context.newPage()
  const { blocked } = o
  if (blocked !== undefined) await page.route(blocked, route => route.abort())
  const foreign: string[] = []
  page.on('request', request => {
    if (!request.url().startsWith(running.http) && !/^(blob|data|ws):/.test(request.url())) foreign.push(request.url())
  })
  await page.goto(`${running.http}/${o.query ?? ''}`)
  await page.getByTestId('login-username').fill(o.user ?? 'admin')
  await page.getByTestId('login-password').fill(o.password ?? PASSWORD)
  await page.getByTestId('login-submit').click()
  await page.getByTestId('connection').waitFor()
  return Object.assign(page, { foreign })
}

// A desk opened for the first time over a thin line (10 Mbit/s, 20 ms round trip, in a TCP proxy, so that the live socket is slow too), 20,000 devices and
// ten open incidents behind it: from going to the address until the rows stand there, and until the map is ready. Beside it the same without the line.
import { setTimeout as delay } from 'node:timers/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { openBrowser, openDeskRoom } from './desk-room.ts'

const DEVICES = 20_000
const BYTES_PER_S = 10_000_000 / 8
const ONE_WAY_MS = 10
const ROUNDS = 3
const SLICE_BYTES = 8 * 1024

/** Bytes leave one after the other at the line's rate, shared by all connections, and arrive a little later. */
const thin = (): ((to: Socket, bytes: Buffer) => void) => {
  let freeAtMs = 0
  return (to, bytes) => {
    for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
      const slice = bytes.subarray(from, from + SLICE_BYTES)
      freeAtMs = Math.max(freeAtMs, performance.now()) + (slice.length / BYTES_PER_S) * 1000
      setTimeout(() => to.write(slice), freeAtMs - performance.now() + ONE_WAY_MS)
    }
  }
}
const thinLine = async (to: string) => {
  const port = Number(new URL(to).port)
  const [down, up] = [thin(), thin()]
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    near.on('data', (chunk: Buffer) => up(far, chunk))
    far.on('data', (chunk: Buffer) => down(near, chunk))
    for (const socket of [near, far]) {
      socket.on('error', () => {})
      socket.on('close', () => (near.destroy(), far.destroy()))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

const WATCH = `
  globalThis.seen = { row: 0, map: 0 }
  const look = () => {
    const after = name => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => { seen[name] ||= performance.now() }
      port2.postMessage(0)
    })
    if (seen.row === 0 && document.querySelector('[data-testid="incident-row"]')) after('row')
    if (seen.map === 0 && document.querySelector('[data-testid="map"][data-ready="true"]')) after('map')
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true })
`
await using desk = await openDeskRoom(DEVICES)
for (let n = 0; n < 10; n += 1) {
  const answer = await desk.room.post('/api/v1/alarms', {
    idempotencyKey: `load-${n}`,
    kind: 'gas-alarm',
    severity: 2,
    place: { building: `样例楼 ${n}` },
    position: { lat: 31.7 + n / 50, lon: 118.8 },
    text: { zh: '燃气', en: 'gas' },
  })
  if (answer.status !== 201) throw new Error(answer.text)
}
const line = await thinLine(desk.room.url)
const browser = await openBrowser(false)
const once = async (url: string): Promise<{ row: number; map: number; bytes: number }> => {
  const page = await desk.openPage(browser, { query: '?map=canvas', url, before: one => one.addInitScript(WATCH) })
  for (let n = 0; n < 300 && (await page.evaluate('seen.row > 0 && seen.map > 0')) !== true; n += 1) await delay(100)
  const seen = (await page.evaluate('seen')) as { row: number; map: number }
  const bytes = (await page.evaluate(`performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)`)) as number
  await page.context().close()
  return { ...seen, bytes }
}
for (const [name, url] of [
  ['loopback', desk.room.url],
  ['10 Mbit/s, 20 ms', line.url],
] as const) {
  const all: Awaited<ReturnType<typeof once>>[] = []
  for (let n = 0; n < ROUNDS; n += 1) all.push(await once(url))
  const middle = (key: 'row' | 'map'): string =>
    (all.map(one => one[key]).toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN).toFixed(0)
  console.log(
    `${name}: rows after ${middle('row')} ms, map after ${middle('map')} ms (plain canvas; medians of ${ROUNDS}; ${((all[0]?.bytes ?? 0) / 1000).toFixed(0)} kB by HTTP)`,
  )
}
await browser.close()
line.close()

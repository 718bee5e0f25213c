// The control for faults-kill.test.ts: the same load and the same kill -9 on Aedes with the InfluxDB client's own write buffer must lose what was
// acknowledged. If it did not, the fault tests would prove nothing. The InfluxDB is a server that counts lines and never fails.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import { expect, test } from 'vitest'
import { messagesOf } from './ledger.ts'
import { startLoad } from './load.ts'
import { until } from './running.ts'

/** Takes every write, and keeps which values of which device it was given. */
async function sink(): Promise<{ url: string; taken: Set<string>; close(): void }> {
  const taken = new Set<string>()
  const server = createServer((request, answer) => {
    const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
    void text(body).then(lines => {
      for (const [, device, seq] of lines.matchAll(/device=([^ ,]+).*?pulse_count=(\d+)/g)) taken.add(`${device}-${seq}`)
      answer.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken, close: () => server.close() }
}

test('stock Aedes with the InfluxDB client loses acknowledged messages at a kill -9', async () => {
  const influx = await sink()
  const stock = fork(join(import.meta.dirname, 'stock-path.ts'), [influx.url])
  const [{ port }] = (await once(stock, 'message')) as [{ port: number }]
  await using load = await startLoad({ port, groups: [{ connections: 50, window: 64, rate: 5000, devices: 2 }], drainMs: 0 })
  await load.acked(10_000)
  // what is acknowledged meanwhile is as far ahead of what is stored: the client writes each second
  await until(() => influx.taken.size > 1000, 60_000, 'its InfluxDB takes what it is sent')
  const gone = once(stock, 'exit')
  stock.kill('SIGKILL')
  await gone
  const { acked } = messagesOf((await load.stop()).accounts)
  const lost = [...acked].filter(id => !influx.taken.has(id)).length
  console.log(`${acked.size} acknowledged, ${lost} of them lost`)
  expect(influx.taken.size).toBeGreaterThan(1000)
  expect(lost).toBeGreaterThan(0)
  influx.close()
})

// What a connection costs that says nothing: memory for each of 5,000 idle ones, ours beside Aedes and mosquitto; and how many bytes a broker
// takes from a peer that it has not accepted, which declares a CONNECT of 200 MB and sends as much as is taken.
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { load, openBroker, round, runnable, type Variant } from './side-by-side.ts'

const CONNECTIONS = 5000
const SETTLE_MS = 3000
const DECLARED_BYTES = 200 * 1024 * 1024
const GIVE_UP_MS = 15_000

async function idle(variant: Variant): Promise<{ kbEach: number; seconds: number }> {
  await using broker = await openBroker(variant)
  await load({ port: broker.port, groups: [{ connections: 10, window: 1, rate: 10 }], ms: 500 }) // code that loads late is no connection's cost
  await delay(SETTLE_MS)
  const before = broker.rssBytes()
  // one message a second over all, so that the connections live as long as it takes
  const loading = load({ port: broker.port, groups: [{ connections: CONNECTIONS, window: 1, rate: 1 }], addresses: 8, ms: 2 * SETTLE_MS })
  let after = before
  const looking = setInterval(() => (after = broker.rssBytes()), 100)
  const { connectedAfterMs } = await loading
  clearInterval(looking)
  return { kbEach: (after - before) / 1024 / CONNECTIONS, seconds: connectedAfterMs / 1000 }
}

/** Sends a CONNECT that never ends, until it is cut or all that was declared has gone. */
async function unaccepted(variant: Variant): Promise<{ takenMb: number; heldMb: number; cut: boolean }> {
  await using broker = await openBroker(variant)
  await delay(SETTLE_MS)
  const before = broker.rssBytes()
  let heldBytes = 0
  const looking = setInterval(() => (heldBytes = Math.max(heldBytes, broker.rssBytes() - before)), 20)
  const socket = connect({ port: broker.port, host: '127.0.0.1' })
  const header = Buffer.from([0x10, 0x80, 0x80, 0x80, 0x64]) // remaining length 100 * 2^21 = 200 MiB
  const begin = Buffer.concat([header, Buffer.from([0, 4]), Buffer.from('MQTT'), Buffer.from([4, 2, 0, 60]), Buffer.from([0xff, 0xff])])
  const chunk = Buffer.alloc(64 * 1024, 0x61)
  const cut = await new Promise<boolean>(resolve => {
    const timer = setTimeout(() => resolve(false), GIVE_UP_MS)
    const end = (wasCut: boolean): void => (clearTimeout(timer), resolve(wasCut))
    const send = (): void => {
      while (socket.bytesWritten < DECLARED_BYTES && socket.write(chunk));
      if (socket.bytesWritten >= DECLARED_BYTES) end(false)
    }
    socket.on('drain', send)
    socket.once('error', () => end(true))
    socket.once('close', () => end(true))
    socket.write(begin)
    send()
  })
  const takenMb = (socket.bytesWritten - socket.writableLength) / 1024 / 1024
  await delay(500)
  clearInterval(looking)
  socket.destroy()
  return { takenMb, heldMb: heldBytes / 1024 / 1024, cut }
}

const variants = runnable(['ours', 'stock', 'mosquitto'])
const rows = []
for (const variant of variants) {
  const { kbEach, seconds } = await idle(variant)
  const { takenMb, heldMb, cut } = await unaccepted(variant)
  rows.push({
    variant,
    'KB a connection': round(kbEach, 1),
    's to connect 5,000': round(seconds, 1),
    'MB taken before CONNECT': round(takenMb, 1),
    'MB more memory': round(heldMb, 1),
    'cut off': cut,
  })
}
console.table(rows)
console.log(JSON.stringify({ bench: 'connections', connections: CONNECTIONS, rows }))

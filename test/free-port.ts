// A port for a server that has to be told one before it runs, or that comes back at the same one: free now, and taken by nobody else meanwhile.
import { createServer } from 'node:net'

/**
 * Below what systems give to outgoing connections and to servers that ask for any port (from 32,768 on Linux): otherwise one of the thousands
 * of those that run beside it takes the port before its server is there, or while it is killed. Each worker has a slice of its own.
 */
const FROM = 10_240
const SLICE = 1400
const SLICES = 4
const mine = FROM + (Number(process.env['VITEST_POOL_ID'] ?? 0) % SLICES) * SLICE
let next = Math.floor(Math.random() * SLICE)

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < SLICE; tries++) {
    const port = mine + (next++ % SLICE)
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${mine} to ${mine + SLICE - 1} is free`)
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

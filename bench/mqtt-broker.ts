// A broker in a process of its own, for durable-puback.ts. Argument: stock (Aedes alone), memory (our door, an append that
// resolves at once) or journal (our door, our journal). Tells its port, and at the end its CPU time and the journal's head.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openCredentials, startBroker } from '../broker/index.ts'
import { openJournal } from '../journal/index.ts'

export const VARIANTS = ['stock', 'memory', 'journal'] as const
export type Variant = (typeof VARIANTS)[number]
type Serving = { port: number; head(): number; close(): Promise<void> }

async function stock(): Promise<Serving> {
  const aedes = await Aedes.createBroker()
  const server = createServer({ noDelay: true }, socket => void aedes.handle(socket))
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return { port, head: () => 0, close: async () => void server.close() }
}

/** On the disk of the working copy: a temporary folder may be memory, and syncing that proves nothing. */
async function ours(durable: boolean): Promise<Serving> {
  const cache = join(import.meta.dirname, '..', '.cache')
  mkdirSync(cache, { recursive: true })
  const dir = mkdtempSync(join(cache, 'bench-'))
  const credentials = openCredentials({ dir })
  const journal = await openJournal({ dir, log: noLog, meter: noMeter })
  const instant = { append: async (_message: InboundMessage): Promise<void> => {} }
  const broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    credentials,
    journal: durable ? journal : instant,
    maxPayloadBytes: 262_144,
    anonymous: true,
    log: noLog,
    meter: noMeter,
    clock: systemClock,
    refused: r => console.error('refused', r),
  })
  return {
    port: broker.port,
    head: () => journal.head(),
    async close() {
      await broker.close()
      await journal.close()
      credentials.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const variant = process.argv[2]
if (process.send !== undefined && VARIANTS.some(v => v === variant)) {
  const serving = variant === 'stock' ? await stock() : await ours(variant === 'journal')
  process.send({ port: serving.port })
  process.once('message', () => {
    const cpu = process.cpuUsage()
    const head = serving.head()
    process.send?.({ cpuS: (cpu.user + cpu.system) / 1e6, head })
    void serving.close().then(() => process.exit(0))
  })
}

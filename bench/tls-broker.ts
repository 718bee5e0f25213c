// A broker in a process of its own for bench/tls-connections.ts: Aedes alone behind TLS, as its own examples start it, or our door
// (with all of its checks, or with none of what it asks of each message). Tells its port and who may come in; ends when left alone.
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { Aedes } from 'aedes'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { STEPS } from '../broker/admission.ts'
import { openCredentials, startBroker } from '../broker/index.ts'
import { loadDecoders } from '../ingest/catalogue.ts'
import { createLanes } from '../ingest/lanes.ts'
import { openJournal } from '../journal/index.ts'

export type Ready = { port: number; credentials: { username: string; password: string }[] }
export type TlsVariant = 'stock' | 'ours' | 'checked' | 'unchecked'
/** more messages a second than anybody sends: the bucket is asked all the same */
const RATE = 1_000_000

async function stock(dir: string): Promise<Ready> {
  const aedes = await Aedes.createBroker()
  const cert = readFileSync(join(dir, 'server.pem'))
  const key = readFileSync(join(dir, 'server.key'))
  const server = createServer({ cert, key }, socket => void aedes.handle(socket))
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  return { port: (server.address() as AddressInfo).port, credentials: [] }
}

async function ours(dir: string, variant: TlsVariant, devices: number): Promise<Ready> {
  const parts = { log: noLog, meter: noMeter, clock: systemClock }
  const isChecked = variant === 'checked'
  const book = openCredentials({ dir })
  const ids = Array.from({ length: isChecked ? devices : 0 }, (_, i) => ({ deviceId: `env${i}-000000` }))
  const credentials = ids.length === 0 ? [] : await book.importMany(ids)
  if (variant === 'unchecked') (STEPS as unknown[]).splice(0)
  const broker = await startBroker({
    ...parts,
    host: '127.0.0.1',
    port: 0,
    ...(variant === 'ours' ? { tlsPort: 0, tls: { cert: join(dir, 'server.pem'), key: join(dir, 'server.key'), clients: 'none' } } : {}),
    dir,
    credentials: book,
    maxPayloadBytes: 262_144,
    anonymous: !isChecked,
    deviceRate: isChecked ? RATE : 0,
    laneOf: createLanes(await loadDecoders()),
    journal: await openJournal({ dir, ...parts }),
    refused: ({ code, reason }) => console.error('refused', code, reason),
  })
  return { port: broker.ports.mqtts ?? broker.port, credentials }
}

const [variant, dir = '', devices = '0'] = process.argv.slice(2)
if (import.meta.main && variant !== undefined) {
  process.send?.(variant === 'stock' ? await stock(dir) : await ours(dir, variant as TlsVariant, Number(devices)))
  process.once('disconnect', () => process.exit(0))
}

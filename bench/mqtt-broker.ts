// A broker in a process of its own, for the benchmarks. Argument: stock (Aedes alone, as its own examples start it; acknowledges what is
// nowhere on disk) or ours (the edge process's rooms: door and journal on a disk; acknowledges after the commit), which takes the data folder
// too, and milliseconds to be added to every sync. Tells its port, answers its event loop's delay when asked, ends when told or left alone.
import { createServer, type AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Aedes } from 'aedes'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createEdge } from '../app.ts'
import { openCredentials, startBroker } from '../broker/index.ts'
import { loadDecoders } from '../ingest/catalogue.ts'
import { createLanes } from '../ingest/lanes.ts'
import { openJournal } from '../journal/index.ts'
import { readSettings } from '../settings.ts'

export type BrokerReady = { port: number }
/** since the last time it was asked */
export type LoopDelay = { p50Ms: number; p99Ms: number; maxMs: number }

async function stock(): Promise<number> {
  const aedes = await Aedes.createBroker()
  const server = createServer(socket => void aedes.handle(socket))
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  return (server.address() as AddressInfo).port
}

async function ours(dir: string): Promise<number> {
  const settings = readSettings({
    FENGSUI_DATA_DIR: dir,
    FENGSUI_MQTT_PORT: '0',
    FENGSUI_ANONYMOUS_DEVICES: 'true',
    // a bench gateway sends more than a real one
    FENGSUI_DEVICE_RATE: '0',
  })
  const edge = await createEdge(settings, { clock: systemClock, log: noLog }, () => {})
  return edge.port
}

/** The same rooms, with a journal whose every sync takes so much longer, which no setting offers. */
async function oursOnSlowDisk(dir: string, addedSyncMs: number): Promise<number> {
  const parts = { log: noLog, meter: noMeter, clock: systemClock }
  const journal = await openJournal({ dir, addedSyncMs, ...parts })
  const laneOf = createLanes(await loadDecoders())
  const door = {
    host: '127.0.0.1',
    port: 0,
    credentials: openCredentials({ dir }),
    maxPayloadBytes: 262_144,
    anonymous: true,
    deviceRate: 0,
  }
  const refused = (r: unknown): void => console.error('refused', r)
  return (await startBroker({ ...door, proxyProtocol: false, laneOf, journal, refused, ...parts })).port
}

const [variant, dir = '', addedSyncMs = '0'] = process.argv.slice(2)
const send = (message: unknown): void => void process.send?.(message)
if (import.meta.main && variant !== undefined) {
  send({
    port: variant === 'stock' ? await stock() : await (addedSyncMs === '0' ? ours(dir) : oursOnSlowDisk(dir, Number(addedSyncMs))),
  } satisfies BrokerReady)
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  process.on('message', () => {
    const ms = (ns: number): number => ns / 1e6
    // the monitor's own millisecond between looks is no delay
    send({ p50Ms: ms(loop.percentile(50)) - 1, p99Ms: ms(loop.percentile(99)) - 1, maxMs: ms(loop.max) - 1 } satisfies LoopDelay)
    loop.reset()
  })
  process.once('disconnect', () => process.exit(0))
}

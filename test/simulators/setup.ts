// Shared by the simulator tests: the district that ships, a small plan, the native schemas, and a real broker on a free port.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { readDistrict } from '../../simulators/district/read.ts'
import { plan, type Planned } from '../../simulators/plan.ts'
import type { ScenarioName } from '../../simulators/scenarios/index.ts'
import { createWorld, type SimMessage, type World } from '../../simulators/world.ts'

export const districtDir = join(import.meta.dirname, '../../dashboard/district')
export const district = readDistrict(districtDir)
export const planOf = (devices: number, seed = '7'): Planned[] => plan({ district, devices, seed })

export const START_MS = Date.UTC(2026, 2, 3, 14, 40)
export const worldOf = (o: {
  devices: number
  scenario: ScenarioName
  seed?: string
  speed?: number
  rate?: number
  startMs?: number
  awaitOrders?: boolean
}) => {
  const planned = planOf(o.devices)
  const world: World = createWorld({
    planned,
    seed: o.seed ?? '7',
    scenario: o.scenario,
    speed: o.speed ?? 1,
    messagesPerS: o.rate ?? 20,
    startMs: o.startMs ?? START_MS,
    awaitOrders: o.awaitOrders ?? false,
  })
  return { planned, world }
}
/** Everything said in the first `storyS` seconds of the story at speed 1. */
export const tellStory = (world: World, storyS: number): SimMessage[] => [...world.until(START_MS + storyS * 1000)]

const ajv = new Ajv2020({ allErrors: true, strict: false })
// the package's types describe the CommonJS default export
const formats = addFormats as unknown as (a: Ajv2020) => void
formats(ajv)
const schema = (name: string) =>
  ajv.compile(JSON.parse(readFileSync(join(import.meta.dirname, `../../contracts/schema/native-${name}.schema.json`), 'utf8')) as object)
const validators = { reading: schema('reading'), about: schema('about'), status: schema('status') }
/** '' = valid */
export function violation(name: keyof typeof validators, value: unknown): string {
  return validators[name](value) ? '' : `${ajv.errorsText(validators[name].errors)} in ${JSON.stringify(value)}`
}

export type Heard = { topic: string; qos: number; retain: boolean; payload: Buffer; clientId: string }
export type TestBroker = { port: number; heard: Heard[]; sever(): void; stop(): Promise<void> }
/** A real Aedes; `accept` judges user name and password. */
export async function startTestBroker(
  o: { port?: number; accept?: (username: string | undefined, password: string | undefined) => boolean } = {},
): Promise<TestBroker> {
  const broker = await Aedes.createBroker({
    authenticate: (_client, username, password, done) => {
      const ok = o.accept?.(username, password === undefined ? undefined : String(password)) ?? true
      if (ok) done(null, true)
      else done(Object.assign(new Error('Bad username or password'), { returnCode: 4 as const }), false)
    },
  })
  const heard: Heard[] = []
  broker.on('publish', (packet, client) => {
    if (client !== null)
      heard.push({
        topic: packet.topic,
        qos: packet.qos,
        retain: packet.retain,
        payload: Buffer.from(packet.payload as Buffer),
        clientId: client.id,
      })
  })
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    broker.handle(socket)
  })
  server.listen(o.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    heard,
    sever: () => {
      for (const socket of sockets) socket.destroy()
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
      await new Promise<void>(resolve => broker.close(() => resolve()))
    },
  }
}

export async function until(what: string, condition: () => boolean, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

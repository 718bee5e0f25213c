// A load generator that costs little: raw sockets, packets encoded once, as many unacknowledged as the window says. In a process
// of its own. Arguments: port, connections, window, milliseconds. Tells how many were acknowledged and how long that took.
import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'

export type Load = { acked: number; seconds: number; p50Ms: number; p99Ms: number; cpuS: number }

const WARM_UP_MS = 500
const PUBACK_BYTES = 4

class Publisher {
  readonly #frames: Buffer[]
  readonly #sentMs: Float64Array
  readonly #acked: (tookMs: number) => void
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)

  constructor(port: number, name: string, window: number, acked: (tookMs: number) => void) {
    const payload = JSON.stringify({
      deviceId: name,
      ts: '2026-01-01T00:00:00.000Z',
      metrics: { smokeObscurationDbPerM: 0.012, temperatureC: 21.5 },
      seq: 1,
    })
    this.#frames = Array.from({ length: window }, (_, i) =>
      generate({
        cmd: 'publish',
        topic: `fire/v1/smoke/${name}/telemetry`,
        payload: payload.padEnd(180),
        qos: 1,
        messageId: i + 1,
        dup: false,
        retain: false,
      }),
    )
    this.#sentMs = new Float64Array(window)
    this.#acked = acked
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (chunk: Buffer) => this.#received(chunk))
    this.#socket.write(generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: name, keepalive: 0, clean: true }))
  }

  end(): void {
    this.#socket.destroy()
  }

  #received(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const nowMs = performance.now()
    const next: Buffer[] = []
    let at = 0
    for (; at + PUBACK_BYTES <= bytes.length; at += PUBACK_BYTES) {
      if (bytes[at] === 0x20) next.push(...this.#all(nowMs))
      else if (bytes[at] === 0x40) next.push(this.#again(bytes.readUInt16BE(at + 2) - 1, nowMs))
      else throw new Error(`unexpected packet ${bytes[at]}`)
    }
    this.#rest = bytes.subarray(at)
    if (next.length > 0) this.#socket.write(next.length === 1 ? (next[0] ?? '') : Buffer.concat(next))
  }

  #all(nowMs: number): Buffer[] {
    this.#sentMs.fill(nowMs)
    return this.#frames
  }

  #again(slot: number, nowMs: number): Buffer {
    this.#acked(nowMs - (this.#sentMs[slot] ?? nowMs))
    this.#sentMs[slot] = nowMs
    return this.#frames[slot] ?? Buffer.alloc(0)
  }
}

async function load(port: number, connections: number, window: number, ms: number): Promise<Load> {
  let total = 0
  let counting = false
  const tookMs: number[] = []
  const publishers = Array.from(
    { length: connections },
    (_, i) =>
      new Publisher(port, `d${i}`, window, took => {
        total++
        if (counting) tookMs.push(took)
      }),
  )
  await new Promise(resolve => setTimeout(resolve, WARM_UP_MS))
  counting = true
  const startedMs = performance.now()
  const cpu = process.cpuUsage()
  await new Promise(resolve => setTimeout(resolve, ms))
  counting = false
  const seconds = (performance.now() - startedMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  for (const publisher of publishers) publisher.end()
  const sorted = Float64Array.from(tookMs).toSorted()
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  if (total === 0) throw new Error('nothing was acknowledged')
  return { acked: tookMs.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99), cpuS: (user + system) / 1e6 }
}

if (process.send !== undefined) {
  const [port = 0, connections = 1, window = 1, ms = 1000] = process.argv.slice(2).map(Number)
  const measured = await load(port, connections, window, ms)
  process.send?.(measured)
  process.disconnect?.()
}

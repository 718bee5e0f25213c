// A load generator in a process of its own that is not the bottleneck: raw sockets, packets encoded once, pipelined. Closed loop (each
// acknowledgement brings the next message) or open loop (so many a second, latency from the moment a message was due, whether or not
// it could be sent then). For tests it comes back after the server's death and tells which messages were acknowledged.
// `node bench/raw-load.ts '{"port":1883,"groups":[{"connections":50,"window":256}],"ms":5000}'` prints a report as one JSON line.
import { setTimeout as delay } from 'node:timers/promises'
import { Histogram } from './histogram.ts'
import { RawDevice, type Account } from './raw-device.ts'

/** Connections of one kind; each is a publisher of its own with `devices` devices. */
export type LoadGroup = {
  connections: number
  /** unacknowledged at most, of one connection */
  window: number
  /** messages a second over all its connections; absent = closed loop */
  rate?: number
  /** default 1: the connection is the device */
  devices?: number | 'each'
  alarm?: boolean
  /** names of its devices begin with it, default 'env' */
  prefix?: string
  /** one for each connection; absent = anonymous */
  credentials?: { username: string; password: string }[]
}
export type LoadOptions = {
  port: number
  groups: LoadGroup[]
  /** how long is measured; absent = until told to stop */
  ms?: number
  warmUpMs?: number
  /** connections are spread over so many addresses 127.0.1.x: one address has about 28,000 ports */
  addresses?: number
  /** come back after a lost connection */
  backOffMs?: { first: number; longest: number }
  /** after the end, how long to wait for what is unacknowledged; default 0 */
  drainMs?: number
  /** keep asking the clock instead of sleeping: sends to 0.1 ms, costs a core */
  spin?: boolean
}
export type Latency = { p50Ms: number; p99Ms: number; p999Ms: number; maxMs: number }
export type LoadReport = Latency & {
  /** acknowledged while measuring */
  acked: number
  seconds: number
  /** CPU of the generator while measuring */
  cpuS: number
  connected: number
  connectedAfterMs: number
  lost: Record<string, number>
  repeated: number
  disorder: number
  overdue: number
  accounts: Account[]
}
/** `ackedOf`: by group, in their order */
export type LoadProgress = {
  acked: number
  ackedOf: number[]
  sent: number
  ready: number
  lost: number
  why: Record<string, number>
  p99Ms: number
}

const PROGRESS_MS = 100
/** connections opened at once: a listen backlog is 511 */
const OPENING_MAX = 200

type Group = { options: LoadGroup; devices: RawDevice[]; next: number; begunMs: number }

export class Load {
  readonly #o: LoadOptions
  readonly #latency = new Histogram()
  readonly #groups: Group[]
  readonly #lost: Record<string, number> = {}
  #measuring = false
  #running = false
  #begunMs = 0
  #pausedMs: number | undefined
  #cpu = process.cpuUsage()
  #connectedAfterMs = 0
  #ready = 0
  #readyWaits: (() => void)[] = []

  constructor(o: LoadOptions) {
    this.#o = o
    this.#groups = o.groups.map(options => ({ options, devices: [], next: 0, begunMs: 0 }))
  }

  get devices(): RawDevice[] {
    return this.#groups.flatMap(g => g.devices)
  }

  /** Resolves when every connection was accepted once. */
  async open(): Promise<void> {
    const startedMs = performance.now()
    for (const [g, group] of this.#groups.entries()) {
      for (let i = 0; i < group.options.connections; i++) {
        group.devices.push(this.#device(g, group.options, i))
        await this.#fewerOpening()
      }
    }
    while (this.#ready < this.devices.length) await new Promise<void>(resolve => this.#readyWaits.push(resolve))
    this.#connectedAfterMs = performance.now() - startedMs
  }

  begin(): void {
    this.#running = true
    const now = performance.now()
    for (const group of this.#groups) {
      group.begunMs = now
      for (const device of group.devices) device.begin()
    }
    if (this.#groups.some(g => g.options.rate !== undefined)) this.#tick()
  }

  /** Nothing becomes due until it is resumed; of a closed loop nothing changes. */
  pause(): void {
    this.#pausedMs ??= performance.now()
  }

  resume(): void {
    if (this.#pausedMs === undefined) return
    for (const group of this.#groups) group.begunMs += performance.now() - this.#pausedMs
    this.#pausedMs = undefined
  }

  measure(): void {
    this.#latency.clear()
    this.#measuring = true
    this.#begunMs = performance.now()
    this.#cpu = process.cpuUsage()
  }

  /** Stops sending anew, waits for what is on its way, and says what was. */
  async stop(): Promise<LoadReport> {
    const seconds = (performance.now() - this.#begunMs) / 1000
    const cpu = process.cpuUsage(this.#cpu)
    const measured = { ...latencyOf(this.#latency), acked: this.#latency.count }
    this.#measuring = false
    this.#running = false
    for (const device of this.devices) device.stop()
    const untilMs = performance.now() + (this.#o.drainMs ?? 0)
    while (performance.now() < untilMs && this.devices.some(d => d.inFlight > 0)) await delay(20)
    const accounts = this.devices.map(d => d.account())
    for (const device of this.devices) device.end()
    const sum = (of: (d: RawDevice) => number): number => this.devices.reduce((total, d) => total + of(d), 0)
    return {
      ...measured,
      seconds,
      cpuS: (cpu.user + cpu.system) / 1e6,
      connected: this.devices.length,
      connectedAfterMs: this.#connectedAfterMs,
      lost: this.#lost,
      repeated: sum(d => d.repeated),
      disorder: sum(d => d.disorder),
      overdue: sum(d => d.overdue),
      accounts,
    }
  }

  progress(): LoadProgress {
    const ackedOf = this.#groups.map(g => g.devices.reduce((total, d) => total + d.acked, 0))
    return {
      acked: ackedOf.reduce((total, n) => total + n, 0),
      ackedOf,
      sent: this.devices.reduce((total, d) => total + d.sent, 0),
      ready: this.devices.filter(d => d.ready).length,
      lost: Object.values(this.#lost).reduce((total, n) => total + n, 0),
      why: this.#lost,
      p99Ms: this.#latency.quantileMs(0.99),
    }
  }

  #device(g: number, group: LoadGroup, i: number): RawDevice {
    const { prefix = 'env', devices = 1, alarm = false, credentials, window, rate } = group
    const name = `${prefix}${group.connections > 1 ? i : ''}`
    let wasReady = false
    return new RawDevice({
      port: this.#o.port,
      clientId: `raw-${g}-${i}`,
      prefix: name,
      devices,
      alarm,
      window,
      username: credentials?.[i]?.username,
      password: credentials?.[i]?.password,
      localAddress: this.#o.addresses === undefined ? undefined : `127.0.1.${1 + (i % this.#o.addresses)}`,
      backOffMs: this.#o.backOffMs ?? null,
      closedLoop: rate === undefined,
      onAck: ms => this.#measuring && this.#latency.add(ms),
      onReady: () => {
        if (!wasReady) this.#ready += 1
        wasReady = true
        for (const resolve of this.#readyWaits.splice(0)) resolve()
      },
      onLost: reason => {
        this.#lost[reason] = (this.#lost[reason] ?? 0) + 1
        for (const resolve of this.#readyWaits.splice(0)) resolve()
        if (!wasReady && this.#o.backOffMs === undefined) throw new Error(`connection ${name} was not accepted: ${reason}`)
      },
    })
  }

  async #fewerOpening(): Promise<void> {
    while (this.devices.length - this.#ready >= OPENING_MAX) await new Promise<void>(resolve => this.#readyWaits.push(resolve))
  }

  #tick(): void {
    if (!this.#running) return
    const now = this.#pausedMs ?? performance.now()
    for (const group of this.#groups) {
      const { rate } = group.options
      if (rate === undefined) continue
      for (;;) {
        const dueMs = group.begunMs + (group.next * 1000) / rate
        if (dueMs > now) break
        group.devices[group.next % group.devices.length]?.offer(dueMs)
        group.next += 1
      }
    }
    if (this.#o.spin === true) setImmediate(() => this.#tick())
    else setTimeout(() => this.#tick(), 1)
  }
}

const latencyOf = (h: Histogram): Latency => ({
  p50Ms: h.quantileMs(0.5),
  p99Ms: h.quantileMs(0.99),
  p999Ms: h.quantileMs(0.999),
  maxMs: h.maxMs,
})

async function measured(load: Load, o: LoadOptions, told: Promise<void>): Promise<LoadReport> {
  await load.open()
  load.begin()
  await delay(o.warmUpMs ?? 0)
  load.measure()
  process.send?.({ measuring: true })
  const progress = setInterval(() => process.send?.({ progress: load.progress() }), PROGRESS_MS)
  await (o.ms === undefined ? told : Promise.race([told, delay(o.ms)]))
  clearInterval(progress)
  return load.stop()
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions
  const load = new Load(options)
  const told = new Promise<void>(resolve => {
    process.on('message', (message: 'pause' | 'resume' | 'stop') => (message === 'stop' ? resolve() : load[message]()))
  })
  process.once('disconnect', () => process.exit(1))
  const report = await measured(load, options, told)
  if (process.send === undefined) console.log(JSON.stringify(report))
  else process.send({ report }, () => process.exit(0))
}

// The centre that user information transmission devices (GB/T 26875.3-2011) connect to: takes their frames, acknowledges each only when it
// is on disk, answers a wrong sum with a nak, sets their clocks and asks whether somebody is on duty. A fire never waits for what was sent
// before it: frames go to the journal side by side, and what may carry an alarm takes its quick lane.
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import { DEFAULT_TIME_ZONE, openZone, type Zone } from '#contracts/zone.ts'
import { listenDatagrams } from '../adapters/datagrams.ts'
import { listenTcp, type Conversation, type Peer } from '../adapters/tcp.ts'
import { num, str } from '../compose.ts'
import { createFirstTime } from '../first-time.ts'
import type { PortOptions } from '../intake.ts'
import { parseJson } from '../json.ts'
import { encodeFrame, type Frame } from './frame.ts'
import {
  ANSWER_MS,
  clockSync,
  dutyCheck,
  initialise,
  readComponent,
  readSystem,
  readTransmitter,
  type Order,
  type Outcome,
} from './orders.ts'
import { FrameStream, INCOMPLETE_MS, type Heard } from './stream.ts'
import { Transmitters, type Transmitter } from './transmitters.ts'

const FAMILY = 'gbt26875'
const CMD = { control: 1, send: 2, ack: 3, ask: 4, answer: 5, nak: 6, vendor: 128 } as const

/** Frames of one connection that are not on disk yet; beyond it the socket is not read. */
export const IN_FLIGHT_MAX = 32
/** Heartbeats come every 20 to 30 s. */
const IDLE_MS = 180_000
const GONE_AFTER_MS = 15_000
/** A clock further off is set, but not more often than once an hour; all are set once a day. */
const CLOCK_OFF_MS = 30_000
const CLOCK_AGAIN_MS = 3_600_000
const CLOCK_DAILY_MS = 86_400_000

export type GatewayOptions = PortOptions & {
  /** what transmitters' clocks show */
  zone?: Zone
  meter: Meter
  idleMs?: number
  goneAfterMs?: number
  answerMs?: number
}
export type Gateway = {
  port: number
  /** how many transmitters are connected */
  connected(): number
  /** @throws FengsuiError not-found: it is not connected */
  order(source: string, order: Order): Promise<Outcome>
  dutyCheck(source: string, minutes: number): Promise<Outcome>
  /** An order in words, as commands/gbt26875.ts makes it; what became of it is noted later. @throws FengsuiError invalid-request, not-found */
  obey(source: string, order: string): void
  close(): Promise<void>
}

const topicOf = (source: string): string => `in/${FAMILY}/${source}`

export async function startGateway(o: GatewayOptions): Promise<Gateway> {
  const { intake, clock, log, isKnown = () => true, zone = openZone(DEFAULT_TIME_ZONE) } = o
  const isFirst = createFirstTime()
  const dutyTimers = new Map<string, NodeJS.Timeout>()
  const transmitters = new Transmitters({
    clock,
    goneAfterMs: o.goneAfterMs ?? GONE_AFTER_MS,
    answerMs: o.answerMs ?? ANSWER_MS,
    send: ({ source, target, version, line }, seq, { command, data }) =>
      line?.write(encodeFrame({ seq, version, sentMs: clock.nowMs(), zone, source: target, target: source, command, data })),
    gone: source => note(source, 'disconnected'),
  })

  /** What the gateway itself knows of a transmitter goes the same way as what it says. */
  function note(source: string, gateway: string, more: object = {}): void {
    const payload = Buffer.from(JSON.stringify({ gateway, ...more }))
    const arrival = {
      entrance: FAMILY,
      source: `gb:${source}`,
      clientId: 'gateway',
      topic: topicOf(source),
      payload,
      isPatient: true,
    } as const
    intake.take(arrival).catch((error: Error) => log.warn({ source, gateway, reason: error.message }, 'a note could not be kept'))
  }

  function reply(to: Peer, frame: Frame, command: number): void {
    const { seq, version, source, target } = frame
    to.write(encodeFrame({ seq, version, sentMs: clock.nowMs(), zone, source: target, target: source, command }))
  }

  async function upload(frame: Frame, bytes: Uint8Array, peer: Peer): Promise<void> {
    const source = `gb:${frame.source}`
    const dup = transmitters.isAgain(frame, bytes)
    const arrival = {
      entrance: FAMILY,
      source,
      clientId: peer.address,
      topic: topicOf(frame.source),
      payload: bytes,
      dup,
      isPatient: true,
    } as const
    // not taken: it is told already, and a device that gets no answer sends again
    const isTaken = await intake.take(arrival).then(
      () => true,
      () => false,
    )
    if (isTaken && frame.command !== CMD.answer) reply(peer, frame, CMD.ack)
  }

  function keepClock(transmitter: Transmitter, { sentWallMs }: Frame): void {
    const nowMs = clock.nowMs()
    const sinceMs = nowMs - transmitter.syncedAtMs
    const isOff = sentWallMs === undefined || Math.abs(zone.fromWallMs(sentWallMs) - nowMs) > CLOCK_OFF_MS
    if (sinceMs < CLOCK_AGAIN_MS || (!isOff && sinceMs < CLOCK_DAILY_MS)) return
    transmitter.syncedAtMs = nowMs
    transmitter.orders.give(clockSync(nowMs, zone)).then(
      outcome => log.debug({ source: transmitter.source, outcome }, 'clock set'),
      () => {}, // it has many orders to answer: tried again with the next frame an hour later
    )
  }

  function refuse(frame: Frame, bytes: Uint8Array, peer: Peer, code: 'decoder-failed' | 'not-your-topic', reason: string): void {
    const from = { identity: `gb:${frame.source}`, topic: topicOf(frame.source), address: peer.address }
    intake.refuse({ code, reason, payload: bytes, ...from })
  }

  async function frameHeard(one: Heard, peer: Peer): Promise<void> {
    if ('damaged' in one) {
      refuse(one.damaged, one.bytes, peer, 'decoder-failed', one.reason)
      return reply(peer, one.damaged, CMD.nak)
    }
    const { frame, bytes } = one
    if (!isKnown(`gb:${frame.source}`)) {
      refuse(frame, bytes, peer, 'not-your-topic', `no transmitter ${frame.source} is registered`)
      return reply(peer, frame, CMD.nak)
    }
    const before = transmitters.get(frame.source)?.line
    const { transmitter, isNew } = transmitters.heard(frame, peer)
    if (isNew && before !== null && before !== undefined && before.address !== peer.address && isFirst(frame.source))
      log.warn(
        { source: frame.source, addresses: [before.address, peer.address] },
        'one transmitter address speaks from two places: give each its own',
      )
    if (frame.command === CMD.ack) return transmitter.orders.answered(frame.seq, 'acknowledged')
    if (frame.command === CMD.nak) return transmitter.orders.answered(frame.seq, 'refused')
    if (frame.command === CMD.control || frame.command === CMD.ask)
      return refuse(frame, bytes, peer, 'decoder-failed', `command ${frame.command} goes from the centre to a transmitter only`)
    if (isDutyAnswer(frame)) dutyAnswered(frame.source)
    await upload(frame, bytes, peer)
    keepClock(transmitter, frame)
  }

  function dutyAnswered(source: string): void {
    clearTimeout(dutyTimers.get(source))
    dutyTimers.delete(source)
  }

  function open(peer: Peer): Conversation {
    const stream = new FrameStream()
    const inFlight = new Set<Promise<void>>()
    let timer: NodeJS.Timeout | null = null
    const handle = (heard: readonly Heard[]): void => {
      for (const one of heard) {
        const work = frameHeard(one, peer).catch((error: Error) =>
          log.error({ err: error, address: peer.address }, 'a frame broke the gateway'),
        )
        inFlight.add(work)
        void work.finally(() => inFlight.delete(work))
      }
      if (timer !== null) clearTimeout(timer)
      timer = stream.isWaiting ? setTimeout(() => handle(stream.expire(clock.nowMs())), INCOMPLETE_MS + 50) : null
    }
    return {
      async heard(bytes) {
        handle(stream.push(bytes, clock.nowMs()))
        while (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight)
      },
      ended() {
        if (timer !== null) clearTimeout(timer)
        transmitters.ended(peer)
      },
    }
  }

  // the standard lets transmitters speak over UDP as well (its references to RFC 768 and 793): acknowledged and sent again just so
  const { host, port, meter, idleMs = IDLE_MS } = o
  const listener = await listenTcp({ entrance: FAMILY, host, port, open, idleMs, log, meter })
  const datagrams = await listenDatagrams({ entrance: FAMILY, host, port: listener.port, open, idleMs, log }).catch(
    async (error: Error) => {
      await listener.close()
      throw error
    },
  )
  const speaking = (source: string): Transmitter => {
    const found = transmitters.get(source)
    if (found === undefined || found.line === null) throw new FengsuiError('not-found', `transmitter ${source} is not connected`)
    return found
  }
  const gateway: Gateway = {
    port: listener.port,
    connected: () => transmitters.connected(),
    order: async (source, order) => speaking(source).orders.give(order),
    obey(source, text) {
      const { minutes, wanted, id, deviceId } = orderOf(text, clock.nowMs(), zone)
      speaking(source)
      const given = wanted === undefined ? gateway.dutyCheck(source, minutes) : gateway.order(source, wanted)
      given.then(
        outcome => note(source, 'order', { id, deviceId, outcome }),
        (error: Error) => note(source, 'order', { id, deviceId, outcome: error.message }),
      )
    },
    async dutyCheck(source, minutes) {
      const outcome = await speaking(source).orders.give(dutyCheck(minutes))
      if (outcome !== 'acknowledged') return outcome
      dutyAnswered(source)
      const timer = setTimeout(() => (dutyTimers.delete(source), note(source, 'duty-unanswered')), minutes * 60_000)
      timer.unref()
      dutyTimers.set(source, timer)
      return outcome
    },
    async close() {
      for (const timer of dutyTimers.values()) clearTimeout(timer)
      transmitters.close()
      await Promise.all([listener.close(), datagrams.close()])
    },
  }
  return gateway
}

/** @throws FengsuiError invalid-request */
function orderOf(text: string, nowMs: number, zone: Zone): { minutes: number; wanted: Order | undefined; id: string; deviceId: string } {
  const parsed = parseJson(Buffer.from(text))
  const value = parsed.ok ? parsed.value : undefined
  const of = (name: string): number => num(value, name) ?? 0
  const orders: Readonly<Record<string, () => Order | undefined>> = {
    'duty-check': () => undefined,
    'clock-sync': () => clockSync(nowMs, zone),
    initialise,
    'read-transmitter': readTransmitter,
    'read-system': () => readSystem(of('system'), of('address')),
    'read-component': () => readComponent(of('system'), of('address'), of('zone'), of('position')),
  }
  const name = str(value, 'order') ?? ''
  if (!Object.hasOwn(orders, name)) throw new FengsuiError('invalid-request', `a transmitter knows no order ${name.slice(0, 64)}`)
  const [id = '', deviceId = ''] = [str(value, 'id'), str(value, 'deviceId')]
  return { minutes: num(value, 'minutes') ?? 10, wanted: orders[name]?.(), id, deviceId }
}

/** Operation of the transmitter (type 24), bit 5: somebody has answered. */
const isDutyAnswer = ({ command, data }: Frame): boolean => command === CMD.send && data[0] === 24 && ((data[2] ?? 0) & 0x20) !== 0

// MEOKON terminals that send their frames by themselves, over TCP or UDP, to one port number. A frame is answered when it is on disk, and not
// before: a terminal that gets no answer within 5 s keeps its records and sends them again, and what came before is recognised as a repeat.
import type { Meter } from '#contracts/metrics.ts'
import { listenTcp, type Conversation, type Peer } from '../adapters/tcp.ts'
import { listenUdp } from '../adapters/udp.ts'
import type { PortOptions } from '../intake.ts'
import { answerTo, framesIn, idOf } from './frame.ts'

export type ReceiverOptions = PortOptions & { meter: Meter }
export type Receiver = { port: number; connections(): number; close(): Promise<void> }

/** They connect for each report. */
const IDLE_MS = 120_000

export async function startReceiver(o: ReceiverOptions): Promise<Receiver> {
  const { host, port, intake, isKnown = () => true, clock, log, meter } = o
  async function take(frame: Buffer, address: string, isPatient: boolean, write: (answer: Buffer) => void): Promise<void> {
    const id = idOf(frame)
    const source = `meokon:${id}`
    const topic = `in/meokon/${/^[\w.:-]+$/.test(id) ? id : 'unknown'}`
    if (!isKnown(source))
      return intake.refuse({ code: 'not-your-topic', reason: `no terminal ${id} is registered`, identity: source, topic, address })
    const taken = intake.take({ entrance: 'meokon', source, clientId: address, topic, payload: frame, isPatient })
    await taken.then(
      () => write(answerTo(frame, clock.nowMs())),
      () => {}, // told already; it comes again
    )
  }
  const nothing = (bytes: Buffer, address: string): void =>
    intake.refuse({ code: 'decoder-failed', reason: 'no frame that begins with A5 5A and ends with 55 AA', payload: bytes, address })

  const open = (peer: Peer): Conversation => {
    const { address } = peer
    const write = (answer: Buffer): void => peer.write(answer)
    let held: Buffer = Buffer.alloc(0)
    return {
      async heard(bytes) {
        const { frames, rest } = framesIn(Buffer.concat([held, bytes]), false)
        held = rest
        for (const frame of frames) await take(frame, address, true, write)
      },
      ended() {
        const { frames } = framesIn(held, true)
        if (held.length > 0 && frames.length === 0) nothing(held, address)
        for (const frame of frames) void take(frame, address, true, write)
      },
    }
  }
  const tcp = await listenTcp({ entrance: 'meokon', host, port, open, idleMs: IDLE_MS, log, meter })
  try {
    const heard = (bytes: Buffer, address: string, from: number): void => {
      const { frames } = framesIn(bytes, true)
      if (frames.length === 0) nothing(bytes, address)
      for (const frame of frames) void take(frame, address, false, answer => udp.send(answer, address, from))
    }
    const udp = await listenUdp({ entrance: 'meokon', host, port: tcp.port, heard, log })
    return { port: tcp.port, connections: tcp.connections, close: async () => void (await Promise.all([tcp.close(), udp.close()])) }
  } catch (error) {
    await tcp.close()
    throw error
  }
}

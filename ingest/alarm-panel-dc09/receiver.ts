// The receiver that alarm panels report to (SIA DC-09 over TCP): each line is acknowledged when it is on disk, a damaged one is answered
// with a NAK that carries the time, one that is encrypted with DUH: it cannot be read here. Without an answer a panel sends again.
import type { Clock, Log } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import { listenTcp, type Conversation, type Listener, type Peer } from '../adapters/tcp.ts'
import type { Intake } from '../intake.ts'
import { encodeLine, linesIn, type Line } from './line.ts'

export type ReceiverOptions = {
  host: string
  port: number
  intake: Intake
  isKnown?(deviceId: string): boolean
  clock: Clock
  log: Log
  meter: Meter
}

/** Panels test their line at least so often, or connect for each report. */
const IDLE_MS = 30 * 60_000
export const LINE_BYTES_MAX = 2_048
const [CR, LF] = [0x0d, 0x0a]

export function startReceiver(o: ReceiverOptions): Promise<Listener> {
  const { intake, isKnown = () => true } = o

  function answer(peer: Peer, token: 'ACK' | 'DUH', line: Pick<Line, 'seq' | 'receiver' | 'prefix' | 'account'>): void {
    const { seq, receiver, prefix, account } = line
    peer.write(encodeLine(`"${token}"${seq}${receiver === undefined ? '' : `R${receiver}`}L${prefix ?? '0'}#${account}[]`))
  }
  /** Its time tells a panel whose clock is off what the time is. */
  function nak(peer: Peer): void {
    const at = new Date(o.clock.nowMs())
    const two = (n: number): string => String(n).padStart(2, '0')
    const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':')
    peer.write(encodeLine(`"NAK"0000R0L0A0[]_${time},${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}-${at.getUTCFullYear()}`))
  }

  async function lineHeard(bytes: Buffer, peer: Peer): Promise<void> {
    const [line] = linesIn(bytes.toString('latin1'))
    if (line === undefined) return
    if ('fault' in line) {
      intake.refuse({ code: 'decoder-failed', reason: line.fault, payload: bytes, address: peer.address })
      const seq = /"\*[A-Z0-9-]+"(\d{0,4})(?:R([0-9A-F]{1,6}))?(?:L([0-9A-F]{1,6}))?(?:#([0-9A-F]{1,16}))?\[/.exec(bytes.toString('latin1'))
      if (seq === null) return nak(peer)
      return answer(peer, 'DUH', { seq: seq[1] ?? '', receiver: seq[2], prefix: seq[3], account: seq[4] ?? '' })
    }
    const source = `dc09:${line.account}`
    const topic = `in/alarm-panel-dc09/${line.account === '' ? 'unknown' : line.account}`
    if (!isKnown(source))
      return intake.refuse({
        code: 'not-your-topic',
        reason: `no panel ${line.account} is registered`,
        identity: source,
        topic,
        address: peer.address,
      })
    const arrival = { entrance: 'dc09', source, clientId: peer.address, topic, payload: bytes, isPatient: true } as const
    const isTaken = await intake.take(arrival).then(
      () => true,
      () => false,
    )
    if (isTaken) answer(peer, 'ACK', line)
  }

  function open(peer: Peer): Conversation {
    let held: Buffer = Buffer.alloc(0)
    return {
      async heard(bytes) {
        held = Buffer.concat([held, bytes])
        for (let end = held.indexOf(CR); end >= 0; end = held.indexOf(CR)) {
          const begin = held.lastIndexOf(LF, end)
          const line = held.subarray(begin < 0 ? 0 : begin, end + 1)
          held = held.subarray(end + 1)
          await lineHeard(Buffer.from(line), peer)
        }
        // no line is so long: what comes before the next beginning is nothing
        if (held.length > LINE_BYTES_MAX) held = held.subarray(Math.max(held.lastIndexOf(LF), held.length - LINE_BYTES_MAX))
        if (held.length > LINE_BYTES_MAX) held = Buffer.alloc(0)
      },
      ended: () => {},
    }
  }
  const { host, port, log, meter } = o
  return listenTcp({ entrance: 'dc09', host, port, open, idleMs: IDLE_MS, log, meter })
}

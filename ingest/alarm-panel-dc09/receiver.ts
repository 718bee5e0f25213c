// The receiver that alarm panels report to (SIA DC-09 over TCP): each line is acknowledged when it is on disk, a damaged one is answered
// with a NAK that carries the time. An encrypted line is opened here, so that no key reaches the journal, and its time held against ours; one
// that no key opens is answered with DUH. Without an answer a panel sends again.
import type { Clock, Log } from '#contracts/clock.ts'
import type { ErrorCode } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import { listenTcp, type Conversation, type Listener, type Peer } from '../adapters/tcp.ts'
import type { Intake } from '../intake.ts'
import { decrypted, encrypted } from './cipher.ts'
import type { KeyOf, PanelKey } from './keys.ts'
import { encodeLine, headText, linesIn, type Head, type Line, type Sealed } from './line.ts'
import { isTimely, stampOf } from './stamp.ts'

export type ReceiverOptions = {
  host: string
  port: number
  intake: Intake
  isKnown?(deviceId: string): boolean
  keyOf?: KeyOf
  clock: Clock
  log: Log
  meter: Meter
}

/** Panels test their line at least so often, or connect for each report. */
const IDLE_MS = 30 * 60_000
export const LINE_BYTES_MAX = 2_048
const [CR, LF] = [0x0d, 0x0a]

/** `key` is there where the line was encrypted: then so is its acknowledgement. */
type Opened = { head: Head; payload: Buffer; key?: PanelKey }
type Refused = { answer: 'NAK' | 'DUH'; code: ErrorCode; reason: string; head?: Head }

export function startReceiver(o: ReceiverOptions): Promise<Listener> {
  const { intake, clock, isKnown = () => true, keyOf = () => undefined } = o

  function acknowledge(peer: Peer, { head, key }: Opened): void {
    const answer = headText({ ...head, token: key === undefined ? 'ACK' : '*ACK' })
    const rest = key === undefined ? ']' : encrypted(`]_${stampOf(clock.nowMs())}`, key.bytes)
    peer.write(encodeLine(answer + rest))
  }
  /** NAK is of no account, and its time tells a panel whose clock is off what the time is. Neither is ever encrypted. */
  function turnDown(peer: Peer, { answer, head }: Refused): void {
    if (answer === 'DUH' && head !== undefined) peer.write(encodeLine(`${headText({ ...head, token: 'DUH' })}]`))
    else peer.write(encodeLine(`"NAK"0000R0L0A0[]_${stampOf(clock.nowMs())}`))
  }

  function opened(bytes: Buffer): Opened | Refused | undefined {
    const [line] = linesIn(bytes.toString('latin1'))
    if (line === undefined) return undefined
    if (!('fault' in line)) return plain(line, bytes)
    return line.sealed === undefined ? { answer: 'NAK', code: 'decoder-failed', reason: line.fault } : unsealed(line.sealed)
  }

  /** A panel that has a key of its own encrypts: what says it is that panel and does not could be anybody. */
  function plain(line: Line, payload: Buffer): Opened | Refused {
    if (keyOf(line.account)?.isOwn !== true) return { head: line, payload }
    const reason = `account ${line.account} has a key, and this line is not encrypted`
    return { answer: 'DUH', code: 'bad-credentials', reason, head: line }
  }

  function unsealed(sealed: Sealed): Opened | Refused {
    const { account, hex, ...rest } = sealed
    const key = keyOf(account)
    const duh = (reason: string): Refused => ({ answer: 'DUH', code: 'bad-credentials', reason, head: sealed })
    if (key === undefined) return duh(`the line is encrypted, and there is no key of account ${account}`)
    const read = decrypted(hex, key.bytes)
    if (read === undefined) return duh(`the line is encrypted with another key than the one of account ${account}`)
    const { data, stampText } = read
    if (!key.anyTime && !isTimely(stampText, clock.nowMs())) {
      const said = stampText === undefined ? 'has no time' : `says ${stampText}, and it is ${stampOf(clock.nowMs())} UTC`
      return { answer: 'NAK', code: 'clock-implausible', reason: `the encrypted line of account ${account} ${said}`, head: sealed }
    }
    const body = `${headText({ account, ...rest })}${data}${stampText === undefined ? '' : `_${stampText}`}`
    return { head: sealed, payload: encodeLine(body), key }
  }

  async function lineHeard(bytes: Buffer, peer: Peer): Promise<void> {
    const read = opened(bytes)
    if (read === undefined) return
    if ('answer' in read) {
      const of = read.head === undefined ? {} : { identity: `dc09:${read.head.account}` }
      intake.refuse({ code: read.code, reason: read.reason, payload: bytes, address: peer.address, ...of })
      return turnDown(peer, read)
    }
    const { account } = read.head
    const source = `dc09:${account}`
    const topic = `in/alarm-panel-dc09/${account === '' ? 'unknown' : account}`
    if (!isKnown(source))
      return intake.refuse({
        code: 'not-your-topic',
        reason: `no panel ${account} is registered`,
        identity: source,
        topic,
        address: peer.address,
      })
    const arrival = { entrance: 'dc09', source, clientId: peer.address, topic, payload: read.payload, isPatient: true } as const
    const isTaken = await intake.take(arrival).then(
      () => true,
      () => false,
    )
    if (isTaken) acknowledge(peer, read)
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

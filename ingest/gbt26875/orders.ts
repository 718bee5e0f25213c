// What the centre asks of a user information transmission device (GB/T 26875.3-2011, 8.3): sent, sent again until it is acknowledged, and
// given up after the standard's three tries. One open order a sequence number; it knows no socket.
import { FengsuiError } from '#contracts/errors.ts'
import type { Zone } from '#contracts/zone.ts'
import { timeBytes } from './frame.ts'

/** `command` 1 is control, 4 a question; `type` is the first byte of the data. */
export type Order = { command: 1 | 4; data: Uint8Array; what: string }
export type Outcome = 'acknowledged' | 'refused' | 'silent'

const CONTROL = 1
const ASK = 4
const order = (what: string, command: 1 | 4, ...data: number[]): Order => ({ what, command, data: Uint8Array.from(data) })

export const clockSync = (nowMs: number, zone: Zone): Order => order('clock-sync', CONTROL, 90, 1, ...timeBytes(nowMs, zone))
/** Somebody at the panel has to answer within so many minutes. */
export const dutyCheck = (minutes: number): Order => order('duty-check', CONTROL, 91, 1, Math.min(255, Math.max(1, Math.round(minutes))))
export const initialise = (): Order => order('initialise', CONTROL, 89, 1, 0)
export const readSystem = (type: number, address: number): Order => order('read-system', ASK, 61, 1, type & 0xff, address & 0xff)
export const readComponent = (type: number, address: number, zone: number, position: number): Order =>
  order('read-component', ASK, 62, 1, type & 0xff, address & 0xff, zone & 0xff, zone >> 8, position & 0xff, position >> 8)
export const readTransmitter = (): Order => order('read-transmitter', ASK, 81, 1, 0)

type Open = { timer: NodeJS.Timeout; answer(outcome: Outcome): void }

/** Open orders of one transmitter. Beyond it a new one is refused. */
export const ORDERS_MAX = 32
const TRIES = 3
export const ANSWER_MS = 10_000

export class Orders {
  readonly #send: (seq: number, order: Order) => void
  readonly #answerMs: number
  readonly #open = new Map<number, Open>()
  #seq: number

  constructor(send: (seq: number, order: Order) => void, firstSeq: number, answerMs = ANSWER_MS) {
    this.#send = send
    this.#answerMs = answerMs
    this.#seq = firstSeq & 0xffff
  }

  /** @throws FengsuiError too-many-requests */
  give(given: Order): Promise<Outcome> {
    if (this.#open.size >= ORDERS_MAX)
      return Promise.reject(new FengsuiError('too-many-requests', `${ORDERS_MAX} orders to this transmitter are not answered yet`))
    const seq = (this.#seq = (this.#seq + 1) & 0xffff)
    return new Promise(resolve => {
      let tries = 0
      const attempt = (): void => {
        if (++tries > TRIES) return this.answered(seq, 'silent')
        this.#send(seq, given)
        const timer = setTimeout(attempt, this.#answerMs)
        timer.unref()
        this.#open.set(seq, { timer, answer: resolve })
      }
      attempt()
    })
  }

  answered(seq: number, outcome: Outcome): void {
    const open = this.#open.get(seq)
    this.#open.delete(seq)
    clearTimeout(open?.timer)
    open?.answer(outcome)
  }

  close(): void {
    for (const seq of this.#open.keys()) this.answered(seq, 'silent')
  }
}

// What a subscriber was sent and has not acknowledged: which packet identifiers are in use, and which answer each of them waits
// for [MQTT-4.3.2, 4.3.3]. Looks at whole frames on their way out; Aedes itself takes any answer for any. Never sends anything.
import { FRAME } from './frame-rules.ts'
import { noFrame, readHeader, type Frame } from './frames.ts'
import { readUint16 } from './text-rules.ts'

type Answer = 'PUBACK' | 'PUBREC' | 'PUBCOMP'
type Asked = { id: number; filters: string[]; qos: number[] }

const NAME: Record<number, Answer> = { [FRAME.puback]: 'PUBACK', [FRAME.pubrec]: 'PUBREC', [FRAME.pubcomp]: 'PUBCOMP' }
const REFUSED = 0x80
const frame: Frame = noFrame()

export class Outgoing {
  readonly #waitsFor = new Map<number, Answer>()
  #asked: Asked | null = null

  get unacknowledged(): number {
    return this.#waitsFor.size
  }

  /** A SUBSCRIBE that Aedes gets: it answers a filter that stands in it twice only once. */
  asked(bytes: Buffer, bodyAt: number, end: number): void {
    const filters: string[] = []
    const qos: number[] = []
    for (let at = bodyAt + 2; at < end; at += 3 + readUint16(bytes, at)) {
      const filterEnd = at + 2 + readUint16(bytes, at)
      filters.push(bytes.toString('utf8', at + 2, filterEnd))
      qos.push(bytes[filterEnd] ?? 0)
    }
    const isRepeated = new Set(filters).size < filters.length
    this.#asked = isRepeated ? { id: readUint16(bytes, bodyAt), filters, qos } : null
  }

  /** An acknowledgement came. What is wrong with it; null = nothing. One that nobody waits for is passed over. */
  answered(type: number, id: number): string | null {
    const answer = NAME[type]
    const waitsFor = this.#waitsFor.get(id)
    if (answer === undefined || waitsFor === undefined) return null
    if (answer === 'PUBREC' && waitsFor === 'PUBCOMP') return null // its PUBREL is sent again
    if (answer !== waitsFor) return `a ${answer} for ${id}, which waits for a ${waitsFor} [MQTT-${answer === 'PUBACK' ? '4.3.3' : '4.3.2'}]`
    if (answer === 'PUBREC') this.#waitsFor.set(id, 'PUBCOMP')
    else this.#waitsFor.delete(id)
    return null
  }

  /** Whole frames are about to be sent; gives back what is to be sent in their place. */
  sent(bytes: Buffer): Buffer {
    let corrected: Buffer | null = null
    for (let at = 0; at < bytes.length; at = frame.end) {
      if (readHeader(bytes, at, bytes.length, frame) !== 'frame') break
      const type = (bytes[at] ?? 0) >> 4
      if (type === FRAME.publish) this.#published(bytes)
      else if (type === FRAME.pubrel) this.#waitsFor.set(readUint16(bytes, frame.bodyAt), 'PUBCOMP')
      else if (type === FRAME.suback && this.#asked !== null) corrected = this.#withAllCodes(bytes, this.#asked)
    }
    return corrected ?? bytes
  }

  #published(bytes: Buffer): void {
    const qos = ((bytes[frame.at] ?? 0) >> 1) & 3
    if (qos === 0) return
    const id = readUint16(bytes, frame.bodyAt + 2 + readUint16(bytes, frame.bodyAt))
    this.#waitsFor.set(id, qos === 1 ? 'PUBACK' : 'PUBREC')
  }

  /** One code for each filter asked for, in its order [MQTT-3.8.4-5, MQTT-3.9.3-1]; what Aedes granted stands for all its repeats. */
  #withAllCodes(bytes: Buffer, { id, filters, qos }: Asked): Buffer | null {
    if (readUint16(bytes, frame.bodyAt) !== id) return null
    this.#asked = null
    const distinct = [...new Set(filters)]
    const codes = filters.map((filter, i) => {
      const granted = bytes[frame.bodyAt + 2 + distinct.indexOf(filter)] ?? REFUSED
      return granted === REFUSED ? REFUSED : (qos[i] ?? 0)
    })
    const body = Buffer.from([id >> 8, id & 0xff, ...codes])
    const header = Buffer.from([bytes[frame.at] ?? 0, ...lengthOf(body.length)])
    return Buffer.concat([bytes.subarray(0, frame.at), header, body, bytes.subarray(frame.end)])
  }
}

function lengthOf(bytes: number): number[] {
  return bytes < 0x80 ? [bytes] : [(bytes & 0x7f) | 0x80, ...lengthOf(bytes >> 7)]
}

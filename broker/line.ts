// The socket as Aedes writes to it: write() takes everything at once and never makes Aedes wait, since one frozen subscriber would then hold
// up everybody. Who does not take what it is sent is cut elsewhere (sending.ts).
import { Duplex } from 'node:stream'

type WriteDone = (error?: Error | null) => void

export abstract class Line extends Duplex {
  abstract send(bytes: Buffer): void

  /** Stands in front of Writable's own queue, which would be walked three times for every acknowledgement. */
  override write(chunk: Buffer | string, encoding?: BufferEncoding | WriteDone, written?: WriteDone): boolean {
    this.send(typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : chunk)
    const done = typeof encoding === 'function' ? encoding : written
    if (done !== undefined) queueMicrotask(done)
    return true
  }

  /** Writes are gathered per turn of the loop already. */
  override cork(): void {}
  override uncork(): void {}
}

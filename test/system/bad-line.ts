// A line between browser and server that can be made bad on purpose: a TCP proxy that passes everything on, and cuts, freezes or
// drops what belongs to the live socket.
import { connect, createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

type Live = { down: Socket; up: Socket }

export type BadLine = {
  url: string
  /** ends the live sockets without a word */
  cut(): void
  /** nothing passes on the live sockets any more, in either direction, though they stay open */
  freeze(): void
  thaw(): void
  /** the next delta from the server is lost, the rest goes on */
  dropNextDelta(): void
  dropped(): number
  /** nobody answers at all: connections are refused */
  offline(): Promise<void>
  online(): Promise<void>
  close(): Promise<void>
}

/** Splits a stream of WebSocket frames from a server (unmasked, RFC 6455 5.2); what is not a whole frame yet waits. */
const splitFrames = (): ((chunk: Buffer) => Buffer[]) => {
  let rest: Buffer = Buffer.alloc(0)
  return chunk => {
    rest = Buffer.concat([rest, chunk])
    const frames: Buffer[] = []
    for (;;) {
      if (rest.length < 2) return frames
      const short = (rest[1] ?? 0) & 0x7f
      const head = short === 126 ? 4 : short === 127 ? 10 : 2
      if (rest.length < head) return frames
      const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short
      if (rest.length < head + length) return frames
      frames.push(rest.subarray(0, head + length))
      rest = rest.subarray(head + length)
    }
  }
}
const isDelta = (frame: Buffer): boolean => frame.includes('"type":"delta"')

export async function badLine(to: string): Promise<BadLine> {
  const port = Number(new URL(to).port)
  const lives = new Set<Live>()
  const all = new Set<Socket>()
  let frozen = false
  let drop = 0
  let dropped = 0

  const pass = (down: Socket): void => {
    const up = connect(port, '127.0.0.1')
    for (const socket of [down, up]) {
      all.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        all.delete(socket)
        down.destroy()
        up.destroy()
      })
    }
    let live: Live | null = null
    let split: ((chunk: Buffer) => Buffer[]) | null = null
    down.on('data', (chunk: Buffer) => {
      if (live === null && chunk.subarray(0, 20).toString().startsWith('GET /api/v1/live')) {
        live = { down, up }
        lives.add(live)
        down.on('close', () => live !== null && lives.delete(live))
      }
      if (live === null || !frozen) up.write(chunk)
    })
    const passFrames = (bytes: Buffer, frames: (chunk: Buffer) => Buffer[]): void => {
      for (const frame of frames(bytes)) {
        if (drop > 0 && isDelta(frame)) {
          drop -= 1
          dropped += 1
        } else down.write(frame)
      }
    }
    up.on('data', (chunk: Buffer) => {
      if (live === null) down.write(chunk)
      else if (split !== null && !frozen) passFrames(chunk, split)
      else if (!frozen) {
        // the answer to the upgrade ends with an empty line; frames begin behind it
        const end = chunk.indexOf('\r\n\r\n')
        split = splitFrames()
        down.write(end === -1 ? chunk : chunk.subarray(0, end + 4))
        if (end !== -1) passFrames(chunk.subarray(end + 4), split)
      }
    })
  }
  let server = createServer(pass)
  const listen = (at: number): Promise<void> => new Promise(resolve => server.listen(at, '127.0.0.1', resolve))
  await listen(0)
  const own = (server.address() as AddressInfo).port
  const cutAll = (): void => {
    for (const socket of all) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${own}`,
    cut() {
      for (const { down, up } of lives) {
        down.destroy()
        up.destroy()
      }
    },
    freeze: () => void (frozen = true),
    thaw() {
      frozen = false
      // what was frozen is torn: like a router that forgot the connection
      for (const { down } of lives) down.destroy()
    },
    dropNextDelta: () => void (drop = 1),
    dropped: () => dropped,
    async offline() {
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        cutAll()
      })
    },
    async online() {
      server = createServer(pass)
      await listen(own)
    },
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        cutAll()
      }),
  }
}

// A desk at the live socket: every message in order of arrival.
import { WebSocket } from 'ws'
import type { LiveMessage } from '#contracts/live.ts'
import { readFrame, type RowsFrame } from '#contracts/live-rows.ts'
import type { Room } from './room.ts'

/** A desk: every live message in order of arrival. */
export async function desk(room: Room, o: { as?: string; query?: string; headers?: Record<string, string>; protocols?: string[] } = {}) {
  const token = o.as === undefined ? undefined : (room.tokens[o.as] ?? o.as)
  const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...o.headers }
  const socket = new WebSocket(`${room.url.replace('http', 'ws')}/api/v1/live${o.query ?? ''}`, o.protocols ?? [], { headers })
  const messages: LiveMessage[] = []
  let closedWith: { code: number; reason: string } | null = null
  const frames: RowsFrame[] = []
  socket.on('message', (data, isBinary) => {
    const bytes = data as Buffer
    const frame = isBinary ? readFrame(new Uint8Array(bytes).buffer) : null
    if (frame !== null) frames.push(frame)
    else messages.push(JSON.parse(bytes.toString()) as LiveMessage)
  })
  socket.on('close', (code, reason) => (closedWith = { code, reason: reason.toString() }))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    messages,
    /** small frames, where they were asked for */
    frames,
    closed: () => closedWith,
    deltas: () => messages.filter(message => message.type === 'delta'),
    async until<T>(found: () => T | undefined | false, what = 'the live message'): Promise<T> {
      return until(found, () => `${what}; got ${JSON.stringify(messages).slice(0, 1000)}`)
    },
    close: () => socket.terminate(),
  }
}

export async function until<T>(found: () => T | undefined | false, what: () => string, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const result = found()
    if (result !== undefined && result !== false) return result
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what()}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

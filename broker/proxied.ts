// Takes the PROXY header off a socket before TLS or HTTP reads it, and gives back what came behind it. Ends those that send
// none, or not in time. MQTT over TCP does not come here: its header is read with its first frame.
import type { Socket } from 'node:net'
import { readProxyHeader } from './proxy-header.ts'

export function takeProxyHeader(
  socket: Socket,
  withinMs: number,
  next: (socket: Socket, address: string | null) => void,
  refused: (reason: string) => void,
): void {
  const late = setTimeout(() => end(`no PROXY header came within ${withinMs} ms`), withinMs)
  let had = Buffer.alloc(0)
  const end = (reason: string): void => {
    leave()
    refused(reason)
    socket.destroy()
  }
  const leave = (): void => {
    clearTimeout(late)
    socket.off('data', look).off('close', leave).off('error', leave)
    socket.pause()
  }
  const look = (chunk: Buffer): void => {
    had = Buffer.concat([had, chunk])
    const header = readProxyHeader(had)
    if (header === 'more') return
    if ('problem' in header) return end(header.problem)
    leave()
    const rest = had.subarray(header.bytes)
    if (rest.length > 0) socket.unshift(rest)
    next(socket, header.address)
  }
  socket.on('data', look).on('close', leave).on('error', leave)
  socket.resume()
}

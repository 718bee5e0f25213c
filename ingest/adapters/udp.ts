// A UDP port for devices that send datagrams. There is nobody to be told to wait: what cannot be taken now is counted as refused and gone,
// so only what is told again and again may come this way.
import { createSocket } from 'node:dgram'
import type { Log } from '#contracts/clock.ts'
import type { Entrance } from '../intake.ts'
import { cannotListen } from './tcp.ts'

export type UdpOptions = {
  entrance: Entrance
  host: string
  /** 0 takes a free one */
  port: number
  heard(bytes: Buffer, address: string, port: number): void
  log: Log
}

export type Datagrams = { port: number; send(bytes: Uint8Array, address: string, port: number): void; close(): Promise<void> }

/** @throws FengsuiError port-in-use, setting-invalid */
export async function listenUdp({ entrance, host, port, heard, log }: UdpOptions): Promise<Datagrams> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 * 1024 * 1024 })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(entrance, host, port, error)))
    socket.bind(port, host, resolve)
  })
  socket.removeAllListeners('error')
  socket.on('error', error => log.warn({ entrance, reason: error.message }, 'a datagram could not be received'))
  socket.on('message', (bytes, { address, port: from }) => heard(bytes, address, from))
  const bound = socket.address().port
  log.info({ entrance, host, port: bound }, 'listening for datagrams of devices')
  let isClosed = false
  return {
    port: bound,
    // what cannot be sent is lost, as any datagram may be; nobody can be answered on port 0, from which a datagram may say it comes
    send(bytes, to, toPort) {
      if (!isClosed && toPort > 0) socket.send(bytes, toPort, to, () => {})
    },
    close() {
      isClosed = true
      return new Promise<void>(resolve => socket.close(() => resolve()))
    },
  }
}

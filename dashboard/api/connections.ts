// How many sockets may be open at the API, in all and of one address: idle ones cost nothing but file descriptors, and the process that has
// none left can open no segment of the journal. Behind a proxy all come from one address, so that a proxy's share is large.
import type { Server, Socket } from 'node:net'
import { isIPv6 } from 'node:net'

export const CONNECTIONS_MAX = 4_000
/** 200 desks with six sockets each behind one proxy; a quarter is left to it that opens them for no good */
export const CONNECTIONS_OF_ADDRESS_MAX = 1_500

/** One who has a network of IPv6 has as many addresses as he wants: the first half of it counts. */
export function placeOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::', 2)
  const groups = head === '' ? [] : head.split(':')
  const behind = tail === undefined || tail === '' ? 0 : tail.split(':').length
  while (tail !== undefined && groups.length + behind < 8) groups.push('0')
  return [...groups, ...(tail ?? '').split(':')]
    .slice(0, 4)
    .map(group => Number.parseInt(group || '0', 16).toString(16))
    .join(':')
}

/** Further ones are closed at once. */
export function boundConnections(server: Server, o: { max?: number; ofAddressMax?: number } = {}): void {
  const { max = CONNECTIONS_MAX, ofAddressMax = CONNECTIONS_OF_ADDRESS_MAX } = o
  const open = new Map<string, number>()
  server.maxConnections = max
  server.on('connection', (socket: Socket) => {
    const place = placeOf(socket.remoteAddress ?? '')
    const count = (open.get(place) ?? 0) + 1
    open.set(place, count)
    socket.once('close', () => {
      const left = (open.get(place) ?? 1) - 1
      if (left === 0) open.delete(place)
      else open.set(place, left)
    })
    if (count > ofAddressMax) socket.destroy()
  })
}

// Which addresses flows may not call: the system's own broker and device ports, and its database, whatever names lead there. Never throws: a name
// that nobody knows now leads nowhere.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

export type Door = { address: string; port: number }
const PORT_OF: Record<string, number> = { 'http:': 80, 'https:': 443 }

/** `closed`: URLs; only host and port count. */
export async function doorsOf(closed: readonly string[]): Promise<Door[]> {
  const doors = await Promise.all(
    closed.map(async one => {
      const { hostname, port, protocol } = new URL(one)
      const host = hostname.replaceAll(/[[\]]/g, '')
      const addresses = isIP(host) > 0 ? [host] : (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address)
      return addresses.map(address => ({ address, port: Number(port) || (PORT_OF[protocol] ?? 0) }))
    }),
  )
  return doors.flat()
}

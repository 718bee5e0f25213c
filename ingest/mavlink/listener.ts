// Drones and their ground stations that send MAVLink over UDP, many packets a second. Once a second the newest packet of each kind of each
// vehicle goes into the journal, bad news at once: the rest would be fifty times the same. Not authenticated: MAVLink over UDP is not.
import { listenUdp } from '../adapters/udp.ts'
import type { PortOptions } from '../intake.ts'
import { slicesIn, type Packet } from './packets.ts'

export type ListenerOptions = PortOptions & { everyMs?: number }
export type MavlinkListener = { port: number; vehicles(): number; close(): Promise<void> }

const EVERY_MS = 1_000
/** Vehicles that spoke within the last minute; further ones are refused. */
export const VEHICLES_MAX = 500
const SILENT_MS = 60_000
const CRITICAL = 5
/** MAV_SEVERITY: 0 emergency, 1 alert, 2 critical, 3 error */
const SEVERE = 3
const TEXTS_MAX = 16

type Vehicle = { address: string; heardAtMs: number; newest: Map<string, Uint8Array>; status: number; urgentAtMs: number }

export async function startListener(o: ListenerOptions): Promise<MavlinkListener> {
  const { intake, clock, isKnown = () => true, everyMs = EVERY_MS } = o
  const vehicles = new Map<string, Vehicle>()

  function vehicleOf({ system, component }: Packet, address: string): Vehicle | undefined {
    const id = `mav:${system}/${component}`
    const known = vehicles.get(`${address} ${id}`)
    if (known !== undefined) return known
    const refuse = (code: 'not-your-topic' | 'too-many-requests', reason: string): undefined => {
      intake.refuse({ code, reason, identity: id, topic: `in/mavlink/${address}`, address })
      return undefined
    }
    if (!isKnown(id) && !isKnown(`mav:${system}`)) return refuse('not-your-topic', `no vehicle ${id} is registered`)
    if (vehicles.size >= VEHICLES_MAX) return refuse('too-many-requests', `${VEHICLES_MAX} vehicles are heard already`)
    const vehicle: Vehicle = { address, heardAtMs: 0, newest: new Map(), status: 0, urgentAtMs: 0 }
    vehicles.set(`${address} ${id}`, vehicle)
    return vehicle
  }

  function heard(datagram: Buffer, address: string): void {
    const nowMs = clock.nowMs()
    const slices = slicesIn(datagram)
    for (const { packet, bytes } of slices) {
      const vehicle = vehicleOf(packet, address)
      if (vehicle === undefined) continue
      vehicle.heardAtMs = nowMs
      const { message } = packet
      // texts are all different; of everything else only the newest counts
      const texts = [...vehicle.newest.keys()].filter(key => key.startsWith('STATUSTEXT')).length
      if (message === 'STATUSTEXT' && texts >= TEXTS_MAX) continue
      const of = message === 'STATUSTEXT' ? texts : message === 'BATTERY_STATUS' ? Number(packet.fields['id']) : ''
      vehicle.newest.set(`${message}${of}`, Uint8Array.from(bytes))
      if (isUrgent(packet, vehicle) && nowMs - vehicle.urgentAtMs >= everyMs / 10) {
        vehicle.urgentAtMs = nowMs
        flush(vehicle)
      }
    }
  }

  function flush(vehicle: Vehicle): void {
    if (vehicle.newest.size === 0) return
    const payload = Buffer.concat([...vehicle.newest.values()])
    vehicle.newest.clear()
    const from = `mavlink:${vehicle.address}`
    const arrival = {
      entrance: 'mavlink',
      source: from,
      clientId: vehicle.address,
      topic: `in/mavlink/${vehicle.address}`,
      payload,
    } as const
    // what is refused is told already; a second later there is news
    intake.take(arrival).catch(() => {})
  }

  const udp = await listenUdp({ entrance: 'mavlink', host: o.host, port: o.port, heard, log: o.log })
  const timer = setInterval(() => {
    for (const [key, vehicle] of vehicles) {
      flush(vehicle)
      if (clock.nowMs() - vehicle.heardAtMs > SILENT_MS) vehicles.delete(key)
    }
  }, everyMs)
  return {
    port: udp.port,
    vehicles: () => vehicles.size,
    async close() {
      clearInterval(timer)
      await udp.close()
    },
  }
}

function isUrgent({ message, fields }: Packet, vehicle: Vehicle): boolean {
  if (message === 'STATUSTEXT') return Number(fields['severity']) <= SEVERE
  if (message !== 'HEARTBEAT') return false
  const status = Number(fields['system_status'])
  const isChange = status !== vehicle.status
  vehicle.status = status
  return isChange && status >= CRITICAL
}

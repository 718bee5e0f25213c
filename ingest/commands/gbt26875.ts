// Commands for fire panels' transmitters (GB/T 26875.3): what the centre may order. It goes to the gateway that holds the connection, in
// words; the gateway makes the frame, and tells what became of it in a note on the transmitter's own topic.
import type { CommandEncoder, OutgoingCommand, VendorAck } from '../command-encoder.ts'
import { num, str } from '../compose.ts'
import { parseJson } from '../json.ts'
import { encoding, numberIn, one, Problem, unknown } from './parameters.ts'

export const ORDER_TOPIC = 'out/gbt26875/'
const ID = /^gb:(\d{1,15})(?:\/(\d{1,3})(?:-(\d{1,3}))?(?:\/(\d{1,5})\.(\d{1,5}))?)?$/
const KNOWN = ['duty-check', 'read', 'reboot', 'configure']

/** `gb:5001`, `gb:5001/1`, `gb:5001/1-2/3.17`: the transmitter, and what is asked of is what the id names. */
export const encoder: CommandEncoder = {
  family: 'gbt26875',
  encode: command => encoding(() => encode(command)),
  ackOf(topic, payload): VendorAck | null {
    if (payload[0] !== 0x7b || !topic.startsWith('in/gbt26875/')) return null
    const parsed = parseJson(payload)
    if (!parsed.ok || str(parsed.value, 'gateway') !== 'order') return null
    const [id, deviceId, outcome] = [str(parsed.value, 'id'), str(parsed.value, 'deviceId'), str(parsed.value, 'outcome')]
    if (id === undefined || deviceId === undefined || outcome === undefined) return null
    return outcome === 'acknowledged' ? { id, deviceId, status: 'done' } : { id, deviceId, status: 'failed', reason: outcome }
  },
}

function encode({ id, deviceId, command, parameters }: OutgoingCommand) {
  const [, source, system, address, zone, position] = ID.exec(deviceId) ?? []
  if (source === undefined) throw new Problem(`${deviceId.slice(0, 64)} names no transmitter`)
  const order = (what: object) => one(ORDER_TOPIC + source, { id, deviceId, ...what }, true)
  if (command === 'duty-check') return order({ order: 'duty-check', minutes: numberIn(parameters, 'minutes', 1, 255, 10) })
  if (command === 'reboot') return order({ order: 'initialise' })
  if (command === 'configure') return order({ order: 'clock-sync' })
  if (command !== 'read') throw unknown(command, KNOWN)
  if (system === undefined) return order({ order: 'read-transmitter' })
  const of = { system: Number(system), address: address === undefined ? (num(parameters, 'address') ?? 1) : Number(address) }
  if (zone === undefined) return order({ order: 'read-system', ...of })
  return order({ order: 'read-component', ...of, zone: Number(zone), position: Number(position) })
}

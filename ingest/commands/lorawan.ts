// Downlinks of LoRaWAN: ChirpStack v4 and The Things Stack v3, through the bridge that leads there (`downlinks`). The bytes are the model's
// own: its manual says which. A device of class A hears them after its next uplink. ChirpStack tells when they were sent and acknowledged.
import type { CommandEncoder, OutgoingCommand, VendorAck } from '../command-encoder.ts'
import { at, str } from '../compose.ts'
import { parseJson } from '../json.ts'
import { encoding, nameOf, numberIn, one, Problem, textIn, unknown } from './parameters.ts'

const HEX = /^(?:[0-9a-fA-F]{2}){1,242}$/
const EUI = /^[0-9a-f]{16}$/
const EVENT = /(?:^|\/)application\/[^/]+\/device\/([0-9a-fA-F]{16})\/event\/(txack|ack)$/

export const encoder: CommandEncoder = {
  family: 'lorawan',
  encode: command => encoding(() => encode(command)),
  ackOf(topic, payload): VendorAck | null {
    if (!topic.endsWith('ack')) return null
    const [, eui, event] = EVENT.exec(topic) ?? []
    const parsed = eui === undefined ? undefined : parseJson(payload)
    const id = parsed?.ok === true ? str(parsed.value, 'queueItemId') : undefined
    if (eui === undefined || parsed?.ok !== true || id === undefined) return null
    const deviceId = `lora:${eui.toLowerCase()}`
    if (event === 'txack') return { id, deviceId, status: 'received' }
    return at(parsed.value, 'acknowledged') === true
      ? { id, deviceId, status: 'done' }
      : { id, deviceId, status: 'failed', reason: 'the device did not confirm it' }
  },
}

function encode({ id, deviceId, command, parameters }: OutgoingCommand) {
  if (command !== 'configure') throw unknown(command, ['configure (parameters: hex, fPort, applicationId)'])
  const name = nameOf(deviceId, 'lora:')
  const data = Buffer.from(textIn(parameters, 'hex', HEX), 'hex').toString('base64')
  const fPort = numberIn(parameters, 'fPort', 1, 223)
  const confirmed = parameters?.['confirmed'] === true
  if (parameters?.['deviceName'] !== undefined) {
    const application = textIn(parameters, 'applicationId', /^[0-9a-z-]{1,64}(?:@[0-9a-z-]{1,64})?$/)
    const device = textIn(parameters, 'deviceName', /^[0-9a-z-]{1,64}$/)
    const downlink = { f_port: fPort, frm_payload: data, priority: 'HIGH', confirmed }
    return one(`v3/${application}/devices/${device}/down/push`, { downlinks: [downlink] }, false)
  }
  if (!EUI.test(name)) throw new Problem(`${deviceId.slice(0, 64)} names no device EUI`)
  const application = textIn(parameters, 'applicationId', /^[0-9a-zA-Z-]{1,64}$/)
  return one(`application/${application}/device/${name}/command/down`, { id, devEui: name, confirmed, fPort, data }, true)
}

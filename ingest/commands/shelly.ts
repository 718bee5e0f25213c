// Commands for Shelly Gen2 and later: a remote call on `<id>/rpc`, answered under the device's own prefix. A detector that sleeps hears it
// when it is awake, which in alarm it is. Format: shelly-api-docs, "MQTT" and "RPC protocol".
import type { CommandEncoder, OutgoingCommand, VendorAck } from '../command-encoder.ts'
import { at, isRecord, str } from '../compose.ts'
import { parseJson } from '../json.ts'
import { encoding, nameOf, numberIn, objectIn, one, textIn, unknown } from './parameters.ts'

/** where the device is told to answer; its prefix stands before it */
const ANSWERS = 'fengsui'
type Call = { method: string; params: object }
type Given = OutgoingCommand['parameters']

const CALLS: Readonly<Record<string, (given: Given) => Call>> = {
  silence: given => ({ method: 'Smoke.Mute', params: { id: numberIn(given, 'component', 0, 999, 0) } }),
  read: () => ({ method: 'Shelly.GetStatus', params: {} }),
  reboot: () => ({ method: 'Shelly.Reboot', params: {} }),
  'cut-power': given => ({ method: 'Switch.Set', params: { id: numberIn(given, 'component', 0, 999, 0), on: false } }),
  configure: given => ({
    method: textIn(given, 'method', /^[A-Z][A-Za-z0-9]{0,31}\.[A-Z][A-Za-z0-9]{0,31}$/),
    params: given?.['params'] === undefined ? {} : objectIn(given, 'params'),
  }),
}

export const encoder: CommandEncoder = {
  family: 'shelly',
  encode: ({ id, deviceId, command, parameters }) =>
    encoding(() => {
      const name = nameOf(deviceId, 'shelly:')
      const call = Object.hasOwn(CALLS, command) ? CALLS[command] : undefined
      if (call === undefined) throw unknown(command, Object.keys(CALLS))
      return one(`${name}/rpc`, { id, src: `${name}/${ANSWERS}`, ...call(parameters) }, true)
    }),
  ackOf(topic, payload): VendorAck | null {
    const end = `/${ANSWERS}/rpc`
    if (!topic.endsWith(end)) return null
    const parsed = parseJson(payload)
    const id = parsed.ok ? str(parsed.value, 'id') : undefined
    if (!parsed.ok || id === undefined) return null
    const deviceId = `shelly:${topic.slice(0, -end.length)}`
    const error = at(parsed.value, 'error')
    return isRecord(error)
      ? { id, deviceId, status: 'failed', reason: str(error, 'message') ?? 'refused' }
      : { id, deviceId, status: 'done' }
  },
}

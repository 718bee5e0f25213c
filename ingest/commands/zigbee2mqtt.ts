// Commands for Zigbee2MQTT: `<base>/<name>/set` with the properties to be set, `/get` with those to be read. What a model understands stands
// under "exposes" on its page; `parameters.properties` says it in the model's own names. Format: zigbee2mqtt.io, "MQTT topics and messages".
import type { CommandEncoder, OutgoingCommand } from '../command-encoder.ts'
import { encoding, nameOf, objectIn, one, Problem, unknown } from './parameters.ts'

const BASE = /^((?:[^/]+\/){0,2}zigbee2mqtt[^/]*)\/(.+)$/i

/** What most models of the kind call it; overruled by parameters.properties. */
const PROPERTIES: Readonly<Record<string, Record<string, unknown>>> = {
  silence: { silence: true },
  'self-test': { selftest: true },
  'siren-on': { warning: { mode: 'fire', level: 'high', strobe: true, duration: 60 } },
  'siren-off': { warning: { mode: 'stop', level: 'low', strobe: false, duration: 0 } },
  'close-valve': { state: 'OFF' },
  'cut-power': { state: 'OFF' },
  locate: { identify: 'identify' },
}
const KNOWN = [...Object.keys(PROPERTIES), 'configure', 'read']

export const encoder: CommandEncoder = { family: 'zigbee2mqtt', encode: command => encoding(() => encode(command)) }

function encode({ deviceId, command, parameters }: OutgoingCommand) {
  const rest = nameOf(deviceId, 'z2m:')
  const [, base = 'zigbee2mqtt', name = rest] = BASE.exec(rest) ?? []
  if (name === 'bridge' || name.startsWith('bridge/')) throw new Problem('the gateway itself is not commanded from here')
  if (command === 'read') {
    const names = Object.keys(objectIn(parameters, 'properties'))
    return one(`${base}/${name}/get`, Object.fromEntries(names.map(property => [property, ''])), false)
  }
  const usual = Object.hasOwn(PROPERTIES, command) ? PROPERTIES[command] : undefined
  if (usual === undefined && command !== 'configure') throw unknown(command, KNOWN)
  const properties = usual === undefined || parameters?.['properties'] !== undefined ? objectIn(parameters, 'properties') : usual
  if (Object.keys(properties).length === 0) throw new Problem('parameters.properties is empty')
  return one(`${base}/${name}/set`, properties, false)
}

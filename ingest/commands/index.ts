// The encoders of commands, listed by hand: few, and each moves something in the world. A device of a family without one cannot be
// commanded from here; one that has not been heard yet is taken for ours.
import type { CommandEncoder, Encoded, OutgoingCommand, VendorAck } from '../command-encoder.ts'
import { encoder as dji } from './dji-cloud-api.ts'
import { encoder as gbt26875 } from './gbt26875.ts'
import { encoder as lorawan } from './lorawan.ts'
import { encoder as native } from './native.ts'
import { encoder as shelly } from './shelly.ts'
import { encoder as zigbee2mqtt } from './zigbee2mqtt.ts'

export const ENCODERS: readonly CommandEncoder[] = [native, zigbee2mqtt, dji, gbt26875, shelly, lorawan]

const byFamily = new Map(ENCODERS.map(encoder => [encoder.family, encoder]))
const listening = ENCODERS.filter(encoder => encoder.ackOf !== undefined)

export const encodeCommand = (family: string | undefined, command: OutgoingCommand): Encoded =>
  byFamily.get(family ?? native.family)?.encode(command) ?? { problem: `devices of the family ${family} take no commands from here` }

export const vendorAckOf = (topic: string, payload: Uint8Array): VendorAck | null => {
  for (const encoder of listening) {
    const ack = encoder.ackOf?.(topic, payload)
    if (ack) return ack
  }
  return null
}

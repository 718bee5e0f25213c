// Wires commands to devices: written down by dispatch, put into the words of the device's family by ingest, published by the edge, answered
// through the journal.
import type { Clock, Log } from '#contracts/clock.ts'
import type { Command } from '#contracts/command.ts'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { NATIVE_PREFIX } from '#contracts/topic.ts'
import type { CommandDesk } from '../dashboard/api/commands.ts'
import type { Ack } from '../dispatch/acks.ts'
import type { Dispatch } from '../dispatch/index.ts'

export type CommandsParts = {
  dispatch: Dispatch
  device(id: string): Device | undefined
  publish(topic: string, payload: string): Promise<void>
  withdraw(topic: string, payload: string): Promise<number>
  clock: Clock
  log: Log
}

export async function openCommandDesk({ dispatch, device, publish, withdraw, clock, log }: CommandsParts) {
  const { createCommandSender } = await import('../dispatch/command-sender.ts')
  const { encodeCommand, vendorAckOf } = await import('../ingest/commands/index.ts')
  const encode = (c: Command) => {
    const { family, via } = device(c.deviceId) ?? {}
    const encoded = encodeCommand(family, { ...c, ...(via !== undefined && { via }) })
    // of other families the topic names the gateway
    return 'problem' in encoded || !encoded.messages[0].topic.startsWith(NATIVE_PREFIX) ? encoded : { ...encoded, waitsAt: via ?? null }
  }
  const viaOf = (deviceId: string): string | null | undefined => {
    const known = device(deviceId)
    return known === undefined ? undefined : (known.via ?? null)
  }
  const sender = createCommandSender({ commands: dispatch.commands, encode, viaOf, publish, withdraw, clock, log })
  const desk: CommandDesk = {
    of: dispatch.commands.of,
    get: dispatch.commands.get,
    post({ device: { deviceId, kind, family }, ...given }) {
      // said before it is taken: nobody waits for a command that cannot be put into words
      const tried = encodeCommand(family, { ...given, id: '', deviceId, kind, at: '', expiresAt: '' })
      if ('problem' in tried) throw new FengsuiError('conflict', `device ${deviceId} cannot be commanded: ${tried.problem}`)
      const made = dispatch.commands.add({ ...given, deviceId, kind })
      void sender.pump().catch((error: unknown) => log.error({ err: error }, 'commands could not be sent; they are tried again'))
      return made
    },
  }
  return {
    desk,
    tick: () => void sender.pump().catch((error: unknown) => log.error({ err: error }, 'commands could not be sent; they are tried again')),
    heard: (ack: Ack): boolean => dispatch.commands.heard(ack),
    /** an answer in the words of another family; null = it is none */
    vendorAckOf: ({ topic, payload }: Message): Ack | null => vendorAckOf(topic, payload),
    close: sender.close,
  }
}

// What an encoder of commands is: one command in, what to publish for it out, in the words of one family of devices. Pure: no I/O, no clock.
// Listed in commands/index.ts; native stands for every device that no other family claims.
import type { DeviceKind } from '#contracts/reading.ts'

export type OutgoingCommand = {
  id: string
  deviceId: string
  kind: DeviceKind
  command: string
  parameters?: Record<string, unknown>
  /** RFC 3339 */
  at: string
  expiresAt: string
  by: string
  /** the device it is reached through, where one is known */
  via?: string
}

export type Publication = { topic: string; payload: string }
/** `answers`: whether a device of this family says that it has it; without an answer a command stays `sent` */
export type Encoded = { messages: readonly [Publication, ...Publication[]]; answers: boolean } | { problem: string }
/** as devices of ours say it on their ack topic */
export type VendorAck = { id: string; deviceId: string; status: 'received' | 'done' | 'failed'; reason?: string }

export type CommandEncoder = {
  /** `source.family` of the device's readings */
  family: string
  encode(command: OutgoingCommand): Encoded
  /** The answer in a message of this family; null = it is none. Called for every message on the alarm path: look at the topic first. */
  ackOf?(topic: string, payload: Uint8Array): VendorAck | null
}

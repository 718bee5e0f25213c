// Commands for our own devices: JSON on fire/v1/{kind}/{deviceId}/cmd. docs/commands.md shows it.
import { DEVICE_ID, nativeTopic } from '#contracts/topic.ts'
import type { CommandEncoder } from '../command-encoder.ts'

export const encoder: CommandEncoder = {
  family: 'native',
  encode({ id, deviceId, kind, command, parameters, at, expiresAt, by }) {
    if (!DEVICE_ID.test(deviceId)) return { problem: 'it has no cmd topic; command it through its own system' }
    const payload = { v: 1, id, ts: at, command, ...(parameters !== undefined && { parameters }), expiresAt, by }
    return { messages: [{ topic: nativeTopic({ kind, deviceId, channel: 'cmd' }), payload: JSON.stringify(payload) }], answers: true }
  },
}

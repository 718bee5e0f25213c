// MEOKON pressure and level terminals of hydrants and tanks: frames in hex on GIOT-GW/UL/{id} (MQTT), in bytes over UDP and TCP.
// A frame whose sum or length is wrong is refused whole: half a record is no pressure.
import type { Decoded } from '#contracts/reading.ts'
import { composed, entranceOf, unhexed } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput } from '../decoder.ts'
import { readFrame } from '../meokon/frame.ts'

const FAMILY = 'meokon'

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => topic.startsWith('GIOT-GW/') || entranceOf(FAMILY, topic) !== undefined,
  decode,
}

function decode(input: DecodeInput): Decoded {
  if (input.topic.startsWith('GIOT-GW/DL/')) return ignored('a command to the device')
  if (input.payload.length === 0) return ignored('an empty message')
  const found = readFrame(unhexed(input.payload).bytes, input.receivedAtMs)
  return 'fault' in found ? rejected('decoder-failed', found.fault, '/') : composed(input, FAMILY, found)
}

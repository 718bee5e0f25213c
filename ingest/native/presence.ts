// Status (birth, last will, sleep) and about (retained self-description) of native devices. Neither is a measurement.
// A will carries the time of the connection, not of the death: it is stamped by the server. A late will of an old session is ignored.
import { DEVICE_KINDS, type DeviceKind, type Decoded, type Reading } from '#contracts/reading.ts'
import type { NativeTopic } from '#contracts/topic.ts'
import { ignored, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { toWgs84 } from '../position.ts'
import { iso, parseRfc3339, serverStamp, stamp, type Note, type Stamp } from '../time.ts'
import { measured, present } from '../units.ts'
import type { NativeAbout, NativeStatus } from './payload.ts'
import { isPosition, violationOf } from './schema.ts'

export function statusReading(status: NativeStatus, topic: NativeTopic, input: DecodeInput, memory: DecoderMemory): Decoded {
  const { online, session, reason, expectNextS } = status
  const key = `session/${topic.deviceId}`
  const current = memory.get(key)
  if (!online && reason === 'will' && session !== undefined && typeof current === 'string' && current !== session)
    return ignored('the last will of an older session: the device has connected again since')
  if (online && session !== undefined) memory.set(key, session)

  const { note, ...when } = reason === 'will' ? willStamp(status, input) : statusStamp(status, input)
  const state = present({ statusReason: reason, session })
  const reading: Reading = {
    ...bare(topic, topic.kind, input, when),
    online,
    ...(Object.keys(state).length > 0 && { state }),
    ...(expectNextS !== undefined && { about: { expectNextS } }),
  }
  return { readings: [reading], ...(note !== undefined && { notes: [note] }) }
}

const willStamp = (status: NativeStatus, input: DecodeInput): Stamp => ({
  ...serverStamp(input.receivedAtMs),
  ...present({ deviceTs: status.ts }),
})

const statusStamp = ({ ts }: NativeStatus, { receivedAtMs }: DecodeInput): Stamp =>
  stamp({
    deviceMs: ts === undefined ? undefined : parseRfc3339(ts),
    ...(ts !== undefined && { given: ts }),
    source: 'device',
    receivedAtMs,
    where: '/ts',
  })

export function aboutReading(about: NativeAbout, topic: NativeTopic, input: DecodeInput): Decoded {
  const { name, manufacturer, model, firmware, via, address, thresholds, place, serial, standards, capabilities, telemetryEveryS } = about
  const notes: Note[] = []
  let position = undefined
  if (about.position !== undefined) {
    if (isPosition(about.position)) position = toWgs84(about.position)
    else notes.push({ code: 'position-invalid', reason: `position left out: ${violationOf(isPosition).reason}`, where: '/position' })
  }
  const state = present<unknown>({ serial, standards, capabilities, telemetryEveryS })
  const reading: Reading = {
    ...bare(topic, topic.kind, input, serverStamp(input.receivedAtMs)),
    ...(position !== undefined && { position }),
    ...(place !== undefined && { place }),
    about: {
      ...present({ name, manufacturer, model, firmware, via, address }),
      ...measured({ expectNextS: about.expectNextS ?? telemetryEveryS }),
      ...(thresholds !== undefined && { thresholds }),
    },
    ...(Object.keys(state).length > 0 && { state }),
  }
  return { readings: [reading], ...(notes.length > 0 && { notes }) }
}

function bare(topic: NativeTopic, kind: DeviceKind, input: DecodeInput, when: Omit<Stamp, 'note'>): Reading {
  return {
    deviceId: topic.deviceId,
    kind: DEVICE_KINDS.includes(kind) ? kind : 'other',
    ...when,
    receivedAt: iso(input.receivedAtMs),
    metrics: {},
    alarms: {},
    flags: {},
    source: { family: 'native', topic: input.topic },
  }
}

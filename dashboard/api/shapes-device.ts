// What devices are, what they said, and what of it could not be taken: devices, credentials, readings, quarantine.
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import { DISPOSITIONS, QUARANTINE_SOURCES } from '#contracts/quarantine.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { VIDEO_KINDS } from '#contracts/video.ts'
import { flag, integer, number, oneOf, open, ref, text, time } from './schema.ts'
import { entity } from './shape-parts.ts'

export const DEVICE_SHAPES: readonly { $id: string }[] = [
  entity(
    'Device',
    {
      deviceId: text(),
      kind: oneOf(DEVICE_KINDS),
      alarms: open({ description: 'true = active, false = known clear, absent = not reported' }),
      metrics: open({ description: 'newest values; the unit ends the name' }),
      gaps: integer(),
      readings: integer(),
      condition: oneOf(DEVICE_CONDITIONS, { description: 'the one honest word for it now' }),
    },
    {
      name: text(),
      via: text(),
      place: ref('Place'),
      position: ref('Position'),
      expectNextS: number(),
      lastTs: time(),
      lastReceivedAt: time(),
      online: flag(),
      video: oneOf(VIDEO_KINDS, { description: 'of one device that is asked for: what kind of video is registered' }),
    },
  ),
  entity('Credentials', { username: text(), password: text({ description: 'shown this once' }) }),
  entity('Reading', {
    off: integer(),
    deviceId: text(),
    kind: oneOf(DEVICE_KINDS),
    ts: time(),
    receivedAt: time(),
    metrics: open(),
    alarms: open(),
    flags: open(),
    source: open(),
  }),
  entity(
    'QuarantineEntry',
    {
      id: text(),
      source: oneOf(QUARANTINE_SOURCES),
      code: text(),
      reason: text(),
      disposition: oneOf(DISPOSITIONS),
      count: integer(),
      firstAt: time(),
      lastAt: time(),
      bytes: integer(),
    },
    {
      where: text(),
      identity: text(),
      clientId: text(),
      topic: text(),
      seq: integer(),
      decoder: text({ description: 'family and version of what could not read it' }),
      redriveOf: text({ description: 'the entry that this one came out of, held once more' }),
      redrives: integer(),
      settledAt: time(),
      settledBy: text(),
      payloadBase64: text(),
      isWhole: flag({ description: 'all bytes can be had, here or out of the journal' }),
    },
  ),
]

// Frigate NVR: heard sounds, object counters, states of its own models, statistics and availability; what it tracks is in frigate-tracked.ts.
// Format: docs.frigate.video "MQTT". Pictures and switches say nothing here. A count of a zone is its camera's fire told a second time.
import type { Decoded } from '#contracts/reading.ts'
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import { at, composed, isRecord, num, record, str, type Found } from '../compose.ts'
import { ignored, rejected, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import { parseJson, textOf } from '../json.ts'
import { idOf, labelSigns, SIRENS, tracked, zonesOf } from './frigate-tracked.ts'
import { flagsOf, hasSign, signsIn } from './words.ts'

export const FRIGATE_TOPIC = /^(frigate[^/]*)\/(.+)$/i
const CAMERAS_MAX = 256

export function frigate(base: string, channel: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  if (channel === 'available') return availability(base, input)
  if (channel === 'events' || channel === 'reviews') return tracked(base, channel, input, memory)
  if (channel === 'stats') return statistics(base, input)
  if (channel === 'tracked_object_update') return updated(base, input)
  const [camera = '', what = '', detail, more] = channel.split('/')
  if (more !== undefined) return nothing(channel)
  if (what === 'audio' && detail !== undefined) return heard(base, camera, detail, input)
  if (what === 'classification' && detail !== undefined) return classified(base, camera, detail, input)
  if (what === 'status' && detail === 'detect') return watching(base, camera, input)
  if (detail === undefined && hasSign(labelSigns(what))) return counted(base, camera, what, input, memory)
  return nothing(channel)
}

const nothing = (channel: string): Decoded => ignored(`${channel.slice(0, 64)}: a picture, a switch or a state that says nothing of fire`)
const gatewayOf = (base: string): string => (base.toLowerCase() === 'frigate' ? 'frigate' : `frigate:${base}`)
const wordOf = (input: DecodeInput): string => {
  const text = textOf(input.payload)
  return text.ok ? text.text.trim() : ''
}

function availability(base: string, input: DecodeInput): Decoded {
  const word = wordOf(input)
  if (word !== 'online' && word !== 'offline' && word !== 'stopped')
    return rejected('decoder-failed', 'neither online, stopped nor offline', '/')
  return composed(input, 'cameras', [{ deviceId: gatewayOf(base), kind: 'gateway', online: word === 'online' }])
}

/** Of the one process that looks for objects; those of recording and sound come on topics of their own. */
function watching(base: string, camera: string, input: DecodeInput): Decoded {
  const word = wordOf(input)
  const base_: Found = { deviceId: idOf(base, camera), kind: 'camera' }
  if (word === 'online' || word === 'offline') return composed(input, 'cameras', [{ ...base_, online: word === 'online' }])
  return word === 'disabled' ? composed(input, 'cameras', [{ ...base_, state: { detect: word } }]) : ignored('a status that is not known')
}

function heard(base: string, camera: string, sound: string, input: DecodeInput): Decoded {
  const on = coerceBoolean(wordOf(input))
  // the crackle of a fire is a sign, a siren is somebody else's alarm
  const flag = SIRENS.has(sound) ? 'soundOfAlarm' : sound === 'fire' ? 'preAlarm' : undefined
  if (flag === undefined) return ignored(`${sound.slice(0, 64)}: a sound that says nothing of fire`)
  if (on === undefined) return ignored('neither ON nor OFF')
  return composed(input, 'cameras', [{ deviceId: idOf(base, camera), kind: 'camera', alarms: { [flag]: on } }])
}

/** A model of the user's own that sorts pictures of a camera: its classes are his words. */
function classified(base: string, camera: string, model: string, input: DecodeInput): Decoded {
  const word = wordOf(input).slice(0, 64)
  if (word === '') return ignored('no class')
  const said = signsIn(word)
  const about = signsIn(model)
  const alarms = hasSign(said) ? flagsOf(said, true) : flagsOf(about, false)
  return composed(input, 'cameras', [{ deviceId: idOf(base, camera), kind: 'camera', alarms, state: { [model.slice(0, 64)]: word } }])
}

/** How many of an object are seen now: models that know fire publish it here. */
function counted(base: string, camera: string, label: string, input: DecodeInput, memory: DecoderMemory): Decoded {
  const count = coerceNumber(wordOf(input))
  if (count === undefined) return ignored('no count')
  if (zonesOf(base, memory).includes(camera)) return ignored(`${camera.slice(0, 64)}: a zone, its camera tells the same`)
  return composed(input, 'cameras', [{ deviceId: idOf(base, camera), kind: 'camera', alarms: flagsOf(labelSigns(label), count > 0) }])
}

/** Every minute or so: Frigate is there, and so is each camera that gives pictures. One that gives none falls silent. */
function statistics(base: string, input: DecodeInput): Decoded {
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  if (!isRecord(parsed.value)) return rejected('decoder-failed', 'an object of statistics was expected', '/')
  // older versions had the cameras beside the rest
  const cameras = isRecord(parsed.value['cameras']) ? parsed.value['cameras'] : parsed.value
  const seen = Object.entries(cameras)
    .filter(([, one]) => (num(one, 'camera_fps') ?? 0) > 0)
    .slice(0, CAMERAS_MAX)
    .map(([camera, one]): Found => ({
      deviceId: idOf(base, camera),
      kind: 'camera',
      state: { cameraFps: num(one, 'camera_fps'), detectionFps: num(one, 'detection_fps') },
    }))
  const service = record(parsed.value['service'])
  const gateway: Found = {
    deviceId: gatewayOf(base),
    kind: 'gateway',
    state: { version: str(service, 'version'), uptimeS: num(service, 'uptime'), cameras: seen.length },
  }
  return composed(input, 'cameras', [gateway, ...seen])
}

/** A face, a plate, a description found later for something that is tracked. Only what names its camera can be kept. */
function updated(base: string, input: DecodeInput): Decoded {
  const parsed = parseJson(input.payload)
  if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
  const { value } = parsed
  const camera = str(value, 'camera')
  if (str(value, 'type') === undefined) return rejected('decoder-failed', 'no type of an update', '/type')
  if (camera === undefined) return ignored('an update that names no camera')
  const found = str(value, 'sub_label') ?? str(value, 'attribute') ?? str(value, 'name')
  const said = signsIn(found ?? '')
  return composed(input, 'cameras', [
    {
      deviceId: idOf(base, camera),
      kind: 'camera',
      ...(hasSign(said) && { alarms: flagsOf(said, true) }),
      state: { update: str(value, 'type'), trackId: str(value, 'id'), found, score: num(value, 'score') },
      ...(typeof at(value, 'description') === 'string' && { text: String(at(value, 'description')) }),
    },
  ])
}

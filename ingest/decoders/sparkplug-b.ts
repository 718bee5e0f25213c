// Sparkplug B: PLC gateways of pump houses and tanks. Birth names what aliases stand for, death is the Last Will; a jump of seq or an
// alias without its birth is noted so that somebody asks the node for a rebirth. Historical values are stored, never news.
import type { Decoded, DeviceKind } from '#contracts/reading.ts'
import { composed, entranceOf, scaled, type Found } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput, type DecoderMemory } from '../decoder.ts'
import {
  bdSeqOf,
  devicesOf,
  isJump,
  isOlderDeath,
  keepSession,
  learnDevice,
  learnMetrics,
  resolve,
  sessionOf,
  type Learned,
  type Session,
} from '../sparkplug-b/births.ts'
import { FLAGS, measured, snake } from '../sparkplug-b/names.ts'
import { readPayload, signed, type Metric, type Payload } from '../sparkplug-b/payload.ts'
import { serverStamp, stamp, type Note } from '../time.ts'

const FAMILY = 'sparkplug-b'
const TOPIC = /^spBv1\.0\/([^/]+)\/([NDS][A-Z]+)\/([^/]+)(?:\/(.+))?$/
const REBIRTH = 'ask the node for a rebirth (NCMD with `Node Control/Rebirth` true)'

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => topic.startsWith('spBv1.0/') || entranceOf(FAMILY, topic) !== undefined,
  decode,
  // an alias names nothing in the bytes: every payload but a JSON state may carry an alarm
  mayCarryAlarm: payload => payload[0] !== 0x7b,
}

type Where = { edge: string; device: string | undefined; input: DecodeInput; memory: DecoderMemory }

function decode(input: DecodeInput, memory: DecoderMemory): Decoded {
  if (input.topic.startsWith('spBv1.0/STATE/')) return ignored('the state of a host application')
  const [, group, type, node, device] = TOPIC.exec(input.topic) ?? []
  if (group === undefined || node === undefined || type === undefined)
    return rejected('unknown-topic', 'not spBv1.0/{group}/{message type}/{node}[/{device}]', 'topic')
  if (type === 'NCMD' || type === 'DCMD') return ignored('a command to a node')
  const payload = readPayload(input.payload)
  if (payload === undefined) return rejected('decoder-failed', 'not a Sparkplug B payload: the protobuf is broken or too large', '/')
  const where: Where = { edge: `${group}/${node}`, device, input, memory }
  if (type === 'NBIRTH') return birth(payload, where)
  if (type === 'NDEATH') return death(payload, where)
  if (type === 'NDATA' || type === 'DDATA' || type === 'DBIRTH' || type === 'DDEATH') return ofSession(type, payload, where)
  return ignored(`message type ${type}`)
}

const idOf = ({ edge, device }: Where): string => (device === undefined ? `spb:${edge}` : `spb:${edge}/${device}`)

function birth(payload: Payload, where: Where): Decoded {
  const { edge, memory } = where
  const bdSeq = bdSeqOf(payload)
  const session: Session = {
    birth: (sessionOf(edge, memory)?.birth ?? 0) + 1,
    ...(bdSeq !== undefined && { bdSeq }),
    seq: payload.seq ?? 0,
  }
  keepSession(edge, session, memory)
  learnMetrics(edge, undefined, session.birth, payload.metrics, memory)
  return answer(payload, session, where, { online: true })
}

/** The will was written when the session began: its time is not the time of death. */
function death(payload: Payload, where: Where): Decoded {
  const { edge, memory, input } = where
  if (isOlderDeath(payload, sessionOf(edge, memory))) return ignored('the death of an older session: the node was born again since')
  const gone = (deviceId: string, kind: DeviceKind, more: Partial<Found> = {}): Found => ({
    deviceId,
    kind,
    online: false,
    time: serverStamp(input.receivedAtMs),
    ...more,
  })
  return composed(input, FAMILY, [
    gone(`spb:${edge}`, 'gateway'),
    ...devicesOf(edge, memory).map(name =>
      gone(`spb:${edge}/${name}`, 'other', { gateway: `spb:${edge}`, state: { statusReason: 'gateway' } }),
    ),
  ])
}

function ofSession(type: string, payload: Payload, where: Where): Decoded {
  const { edge, device, memory } = where
  const session = sessionOf(edge, memory)
  const notes: Note[] = isJump(session, payload.seq)
    ? [
        {
          code: 'decoder-failed',
          reason: `seq ${payload.seq} does not follow ${session?.seq}: messages are missing; ${REBIRTH}`,
          where: '/seq',
        },
      ]
    : []
  if (session !== undefined && payload.seq !== undefined) keepSession(edge, { ...session, seq: payload.seq }, memory)
  if (type === 'DBIRTH') {
    learnMetrics(edge, device, session?.birth ?? 0, payload.metrics, memory)
    if (device !== undefined) learnDevice(edge, device, memory)
  }
  return answer(payload, session, where, type === 'DBIRTH' ? { online: true } : type === 'DDEATH' ? { online: false } : {}, notes)
}

type Group = { timestampMs: number | undefined; isHistorical: boolean; isStale: boolean; metrics: [Learned, Metric][] }

function answer(
  payload: Payload,
  session: Session | undefined,
  where: Where,
  presence: { online?: boolean },
  notes: readonly Note[] = [],
): Decoded {
  const groups = new Map<string, Group>()
  const unread: string[] = []
  let unknown = 0
  for (const metric of payload.metrics) {
    const learned = resolve(where.edge, where.device, session, metric, where.memory)
    if (learned === undefined) unknown += 1
    else if (metric.unread !== undefined) unread.push(`${learned.name.slice(0, 64)} (${metric.unread})`)
    else intoGroup(groups, learned, metric, payload)
  }
  const found = [...groups.values()].flatMap(group => parted(group).map(part => readingOf(part, where)))
  if (presence.online !== undefined) {
    const live = found.find(one => one.flags?.history !== true && one.flags?.stale !== true)
    if (live === undefined)
      found.unshift({
        ...readingOf({ timestampMs: payload.timestampMs, isHistorical: false, isStale: false, metrics: [] }, where),
        ...presence,
      })
    else Object.assign(live, presence)
  }
  const why = `${unknown} metrics bear an alias that no birth of this session explains: ${REBIRTH}`
  const left = unreadWhy(unread)
  if (found.length === 0) {
    if (unknown > 0) return rejected('decoder-failed', why, '/metrics')
    return left === undefined ? ignored('no metric in the message') : rejected('decoder-failed', left, '/metrics')
  }
  const more = [...(unknown > 0 ? [why] : []), ...(left === undefined ? [] : [left])]
  return composed(where.input, FAMILY, found, [
    ...notes,
    ...more.map((reason): Note => ({ code: 'decoder-failed', reason, where: '/metrics' })),
  ])
}

const NAMED_MAX = 4
function unreadWhy(unread: readonly string[]): string | undefined {
  if (unread.length === 0) return undefined
  const rest = unread.length > NAMED_MAX ? ` and ${unread.length - NAMED_MAX} more` : ''
  return `not read: ${unread.slice(0, NAMED_MAX).join(', ')}${rest}; publish what is in them as metrics of their own`
}

/** A PLC may be born with hundreds of metrics: no reading holds so many. */
const GROUP_MAX = 60
function parted(group: Group): Group[] {
  const parts: Group[] = []
  for (let i = 0; i < group.metrics.length; i += GROUP_MAX) parts.push({ ...group, metrics: group.metrics.slice(i, i + GROUP_MAX) })
  return parts
}

/** OPC quality in the properties: 192 is good, 0 bad, 500 stale. */
function intoGroup(groups: Map<string, Group>, learned: Learned, metric: Metric, payload: Payload): void {
  const quality = metric.properties['Quality']
  const isStale = typeof quality === 'number' && quality !== 192
  const timestampMs = metric.timestampMs ?? payload.timestampMs
  const key = `${metric.isHistorical}/${isStale}/${timestampMs}`
  const group = groups.get(key) ?? { timestampMs, isHistorical: metric.isHistorical, isStale, metrics: [] }
  group.metrics.push([learned, metric])
  groups.set(key, group)
}

function readingOf({ timestampMs, isHistorical, isStale, metrics }: Group, where: Where): Found {
  const found: Found & Required<Pick<Found, 'metrics' | 'alarms' | 'state'>> = {
    deviceId: idOf(where),
    kind: where.device === undefined ? 'gateway' : 'other',
    time: stamp({
      deviceMs: timestampMs,
      source: 'device',
      receivedAtMs: where.input.receivedAtMs,
      history: isHistorical,
      where: '/timestamp',
    }),
    metrics: {},
    alarms: {},
    state: {},
    flags: { ...(isHistorical && { history: true }), ...(isStale && { stale: true }) },
  }
  for (const [learned, metric] of metrics) take(learned, metric, found)
  return found
}

function take(
  { name, unit, datatype }: Learned,
  { value: given, datatype: own, int }: Metric,
  found: Found & Required<Pick<Found, 'metrics' | 'alarms' | 'state'>>,
): void {
  if (given === undefined || given === null || name === 'bdSeq' || name.startsWith('Node Control/') || name.startsWith('Device Control/'))
    return
  const value = own === undefined && int !== undefined ? signed(int, datatype) : given
  const key = snake(name)
  if (typeof value === 'boolean') {
    const flag = FLAGS.find(([pattern]) => pattern.test(key))?.[1]
    if (flag === undefined) found.state[name.slice(0, 128)] = value
    else found.alarms[flag] = value || found.alarms[flag] === true
  } else if (typeof value === 'string') found.state[name.slice(0, 128)] = value.slice(0, 256)
  else if (datatype !== 13 && own !== 13) {
    const known = unit === undefined ? undefined : measured(key, unit)
    found.metrics[known?.metric ?? `${key}_raw`] = scaled(value, known?.factor ?? 1)
  }
}

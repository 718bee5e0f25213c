// What people say about resources: add, correct, take away, duty rosters, out of service, and the check-in of one without a device. Each is in
// the audit trail. Telemetry never changes what people said.
import { FengsuiError } from '#contracts/errors.ts'
import type { Text } from '#contracts/alarm.ts'
import type { DutyShift, ResourceProfile } from '#contracts/resource.ts'
import { CAPABILITIES, RESOURCE_KINDS, TRAVEL_MODES } from '#contracts/resource.ts'
import { actorOf, optional, oneOf, REASON_CHARACTERS_MAX, required, timeMs } from './checks.ts'
import type { ResourceRecord } from './resource-rows.ts'
import type { Turn } from './turn.ts'

export const RESOURCES_MAX = 5_000
export const SHIFTS_MAX = 400
const ACCOUNTS_MAX = 50
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

export type GivenResource = Partial<Omit<ResourceProfile, 'id' | 'outOfService'>> & { id: string }
export type ResourcePatch = Partial<Omit<ResourceProfile, 'id' | 'outOfService' | 'deviceId'>> & {
  deviceId?: string | null
  outOfService?: string | null
}

const existing = (turn: Turn, id: string): ResourceRecord => {
  const record = turn.desk.resources.get(id)
  if (record === undefined) throw new FengsuiError('not-found', `there is no resource ${id}`)
  return record
}

const checkName = (name: Text): Text => ({ zh: required('name.zh', name.zh, 200), en: required('name.en', name.en, 200) })

const checked = (turn: Turn, profile: ResourceProfile): ResourceProfile => {
  if (!ID.test(profile.id))
    throw new FengsuiError('invalid-request', `id is "${profile.id}": 1 to 128 letters, digits and . _ : - are needed`)
  oneOf('kind', profile.kind, RESOURCE_KINDS)
  oneOf('mode', profile.mode, TRAVEL_MODES)
  for (const one of profile.capabilities) oneOf('capabilities', one, CAPABILITIES)
  if (profile.capabilities.length === 0) throw new FengsuiError('invalid-request', 'capabilities is empty: at least one is needed')
  if (profile.accounts.length > ACCOUNTS_MAX)
    throw new FengsuiError('invalid-request', `accounts has ${profile.accounts.length} names, at most ${ACCOUNTS_MAX} are taken`)
  const { lat, lon } = profile.position ?? { lat: 1, lon: 1 }
  if (Math.abs(lat) > 90 || Math.abs(lon) > 180 || (lat === 0 && lon === 0))
    throw new FengsuiError('invalid-request', `position is ${lat}/${lon}: WGS84 degrees are needed, and 0/0 is never a position`)
  const holder = turn.desk.resources
    .all()
    .find(({ profile: p }) => p.id !== profile.id && p.deviceId !== undefined && p.deviceId === profile.deviceId)
  if (holder !== undefined)
    throw new FengsuiError('conflict', `device ${profile.deviceId ?? ''} speaks for ${holder.profile.id} already: one device, one resource`)
  return { ...profile, name: checkName(profile.name) }
}

const audit = (turn: Turn, actor: string, action: string, subject: string, detail?: unknown): void =>
  turn.desk.audit.append({ at: turn.now, actor, action: `resource.${action}`, subject, detail })

export const addResource = (turn: Turn, given: GivenResource, o: { by: string }): string => {
  const { actor } = actorOf(o.by)
  const kind = oneOf('kind', given.kind ?? '', RESOURCE_KINDS)
  if (turn.desk.resources.get(given.id) !== undefined)
    throw new FengsuiError('conflict', `resource ${given.id} exists already: PATCH it, or take another id`)
  if (turn.desk.resources.size() >= RESOURCES_MAX)
    throw new FengsuiError('conflict', `${RESOURCES_MAX} resources are known, and no more are kept: remove some first`)
  const { plan } = turn.desk
  const profile = checked(turn, {
    capabilities: plan.capabilities[kind],
    mode: plan.modes[kind],
    accounts: [],
    name: { zh: given.id, en: given.id },
    ...given,
    kind,
  })
  turn.desk.resources.save({ profile, heardMs: null, removed: false })
  audit(turn, actor, 'added', profile.id, profile)
  return profile.id
}

const withService = (turn: Turn, profile: ResourceProfile, reason: string | null | undefined, by: string): ResourceProfile => {
  if (reason === undefined) return profile
  const { outOfService: _was, ...rest } = profile
  return reason === null
    ? rest
    : { ...rest, outOfService: { by, at: turn.now, reason: required('outOfService', reason, REASON_CHARACTERS_MAX) } }
}

export const changeResource = (turn: Turn, id: string, patch: ResourcePatch, o: { by: string }): void => {
  const { by, actor } = actorOf(o.by)
  const record = existing(turn, id)
  const { outOfService, deviceId, ...fields } = patch
  const merged: ResourceProfile = { ...record.profile, ...fields }
  if (deviceId === null) delete merged.deviceId
  else if (deviceId !== undefined) merged.deviceId = deviceId
  const profile = checked(turn, withService(turn, merged, outOfService, by))
  turn.desk.resources.save({ ...record, profile })
  audit(turn, actor, 'changed', id, patch)
}

export const removeResource = (turn: Turn, id: string, o: { by: string }): void => {
  const { actor } = actorOf(o.by)
  const record = existing(turn, id)
  const has = turn.desk.orders.openOf(id)
  if (has !== undefined) throw new FengsuiError('conflict', `${id} has order ${has.id} (${has.state}): withdraw it first`)
  turn.desk.resources.save({ ...record, removed: true })
  audit(turn, actor, 'removed', id)
}

/** The whole roster from now on; shifts must not overlap. */
export const setRoster = (turn: Turn, id: string, shifts: readonly DutyShift[], o: { by: string }): void => {
  const { actor } = actorOf(o.by)
  existing(turn, id)
  if (shifts.length > SHIFTS_MAX)
    throw new FengsuiError('invalid-request', `shifts has ${shifts.length} entries, at most ${SHIFTS_MAX} are kept`)
  const rows = shifts
    .map(({ from, to, crew, note }, i) => {
      const [fromMs, toMs] = [timeMs(`shifts.${i}.from`, from), timeMs(`shifts.${i}.to`, to)]
      if (toMs <= fromMs) throw new FengsuiError('invalid-request', `shifts.${i} ends at ${to}, before it begins`)
      if (!Number.isSafeInteger(crew) || crew < 0 || crew > 200)
        throw new FengsuiError('invalid-request', `shifts.${i}.crew is ${crew}: a whole number from 0 to 200 is needed`)
      return { fromMs, toMs, crew, note: optional(`shifts.${i}.note`, note, 200) }
    })
    .toSorted((a, b) => a.fromMs - b.fromMs)
  const clash = rows.findIndex((row, i) => i > 0 && row.fromMs < (rows[i - 1]?.toMs ?? 0))
  if (clash > 0) throw new FengsuiError('invalid-request', `two shifts overlap at ${new Date(rows[clash]?.fromMs ?? 0).toISOString()}`)
  turn.desk.resources.setShifts(id, rows)
  audit(turn, actor, 'roster', id, { shifts: rows.length })
}

/** "We are here": what a resource without a device is heard by. */
export const checkIn = (turn: Turn, id: string, o: { by: string; onlyFor?: string }): void => {
  const { actor } = actorOf(o.by)
  const record = existing(turn, id)
  if (o.onlyFor !== undefined && !record.profile.accounts.includes(o.onlyFor))
    throw new FengsuiError('forbidden', `${o.onlyFor} is not of the crew of ${id}`)
  if (record.profile.deviceId !== undefined)
    throw new FengsuiError('conflict', `${id} is heard by its device ${record.profile.deviceId}: a check-in would only hide its silence`)
  turn.desk.resources.save({ ...record, heardMs: turn.nowMs })
  audit(turn, actor, 'checked-in', id)
}

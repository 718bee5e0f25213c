// States at rest: of each device the numbers of all its rules in one row, each rule at its place. A state is either here or in the device's
// states, never believed in both; whoever wants states asks here first. Bounded as the states are: a few numbers each.
import type { AnyKind, Observation, Rest } from './kind.ts'

/** A rule's place in the rows of one kind of device; before its numbers stands whether they hold. */
type Place = { id: string; parameters: unknown; rest: Rest<unknown, unknown>; at: number }

/** How the rows of one kind of device are laid out. Rules come to it as devices first need them, and stay where they are. */
export type Form = { places: Place[]; size: number }

/** What a device has of it; `form` undefined = nothing is at rest. */
export type Resting = { form: Form | undefined; numbers: number[]; row: { states: Record<string, unknown> } }

const HOLDS = 1
const HOLDS_NOT = 0

export const emptyForm = (): Form => ({ places: [], size: 0 })

/** The rule's place from now on; -1 = its kind knows no rest. */
export function placeIn(form: Form, rule: { id: string; parameters: unknown; kind: AnyKind }): number {
  const { rest } = rule.kind
  if (rest === undefined) return -1
  const at = form.size
  form.places.push({ id: rule.id, parameters: rule.parameters, rest, at })
  form.size += 1 + rest.size(rule.parameters)
  return at
}

/** Its row has this form from now on. What rests in another is taken up. */
export function laidOut(device: Resting, form: Form): void {
  if (device.form !== form) takeUp(device)
  device.form = form
  // one by one, and no whole number: so that they stay numbers side by side for the engine
  if (device.numbers.length === 0) device.numbers.push(0.5)
  while (device.numbers.length < form.size) device.numbers.push(0.5)
  for (const { at } of form.places) if (device.numbers[at] !== HOLDS) device.numbers[at] = HOLDS_NOT
}

type Ruled = { id: string; at: number; parameters: unknown; rest: Rest<unknown, unknown> | undefined }

/** true = the reading found nothing, and the numbers have moved on. */
export function isCalm({ id, at, parameters, rest }: Ruled, device: Resting, o: Observation): boolean {
  if (rest === undefined || at < 0) return false
  const { numbers, row } = device
  if (numbers[at] !== HOLDS && !settled(id, at, parameters, rest, device)) return false
  return rest.calm(parameters, numbers, at + 1, o, rest.isKept === true ? row.states[id] : undefined)
}

/** Its state as it is now goes to rest, where it can. */
export function settle({ id, at, parameters, rest }: Ruled, device: Resting): void {
  if (rest !== undefined && at >= 0) settled(id, at, parameters, rest, device)
}

function settled(id: string, at: number, parameters: unknown, rest: Rest<unknown, unknown>, { numbers, row }: Resting): boolean {
  const { states } = row
  if (!rest.settle(parameters, states[id], numbers, at + 1)) return false
  // not deleted: what loses a property is slow to look into from then on
  if (rest.isKept !== true && states[id] !== undefined) states[id] = undefined
  numbers[at] = HOLDS
  return true
}

/** The state of one rule stands in the device's states again. */
export function takeUpOne({ id, at, parameters, rest }: Ruled, { numbers, row }: Resting): void {
  if (rest === undefined || at < 0 || numbers[at] !== HOLDS) return
  const state = rest.state(parameters, numbers, at + 1, row.states[id])
  if (state !== undefined || row.states[id] !== undefined) row.states[id] = state
  numbers[at] = HOLDS_NOT
}

/** When the rule wishes to be called by what rests; undefined = its state does not rest, and says it itself. */
export function restsUntil({ form, numbers }: Resting, id: string): number | undefined {
  const place = form?.places.find(one => one.id === id)
  if (place === undefined || numbers[place.at] !== HOLDS) return undefined
  return place.rest.dueMs?.(place.parameters, numbers, place.at + 1)
}

/** The same by the name of the rule, as whoever comes without a reading knows it. */
export function takeUpOf(device: Resting, id: string): void {
  const place = device.form?.places.find(one => one.id === id)
  if (place !== undefined && place.at < device.numbers.length) takeUpOne(place, device)
}

/** All of them do: before the states are looked into from anywhere else. */
export function takeUp(device: Resting): void {
  const { form } = device
  if (form === undefined) return
  for (const place of form.places) if (place.at < device.numbers.length) takeUpOne(place, device)
  device.form = undefined
  device.numbers = []
}

/** The states as they are, with nothing taken up. */
export function statesOf({ form, numbers, row }: Resting): Record<string, unknown> {
  if (form === undefined) return row.states
  const states = { ...row.states }
  for (const { id, at, parameters, rest } of form.places)
    if (numbers[at] === HOLDS) states[id] = rest.state(parameters, numbers, at + 1, states[id])
  return states
}

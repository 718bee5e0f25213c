// All resources as they are now: what is stored of them, folded with telemetry, roster and orders at the time of asking. Nothing of it is kept.
import type { Resource } from '#contracts/resource.ts'
import { resourceNow } from './readiness.ts'
import type { ResourceRecord } from './resource-rows.ts'
import type { Desk } from './turn.ts'

/** `ignoreDrills`: whoever only practises is free for what is real. */
export const resourcesNow = (
  desk: Desk,
  nowMs: number,
  o: { ignoreDrills?: boolean; records?: readonly ResourceRecord[] } = {},
): Resource[] => {
  const { ignoreDrills = false, records = desk.resources.all() } = o
  const open = desk.orders.open().filter(order => !ignoreDrills || order.drill !== true)
  const orders = new Map(open.map(order => [order.resourceId, order]))
  const onDuty = desk.resources.onDuty(nowMs)
  const rostered = desk.resources.rostered()
  return records.map(record => {
    const { id, deviceId } = record.profile
    const rosterCrew = onDuty.get(id) ?? (rostered.has(id) ? null : undefined)
    const device = deviceId === undefined ? undefined : desk.device(deviceId)
    const deviceHeardMs = desk.heard.ms(device?.lastReceivedAt, nowMs)
    return resourceNow(record, { nowMs, device, deviceHeardMs, rosterCrew, order: orders.get(id) }, desk.plan)
  })
}

export const resourceById = (desk: Desk, nowMs: number, id: string, o: { ignoreDrills?: boolean } = {}): Resource | undefined => {
  const record = desk.resources.get(id)
  return record === undefined ? undefined : resourcesNow(desk, nowMs, { ...o, records: [record] })[0]
}

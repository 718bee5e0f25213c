// All resources as they are now: what is stored of them, folded with telemetry, roster and orders at the time of asking. Nothing of it is kept.
import type { Resource } from '#contracts/resource.ts'
import { resourceNow } from './readiness.ts'
import type { ResourceRecord } from './resource-rows.ts'
import type { Desk } from './turn.ts'

export const resourcesNow = (desk: Desk, nowMs: number, records: ResourceRecord[] = desk.resources.all()): Resource[] => {
  const orders = new Map(desk.orders.open().map(order => [order.resourceId, order]))
  const onDuty = desk.resources.onDuty(nowMs)
  const rostered = desk.resources.rostered()
  return records.map(record => {
    const { id, deviceId } = record.profile
    const rosterCrew = onDuty.get(id) ?? (rostered.has(id) ? null : undefined)
    const device = deviceId === undefined ? undefined : desk.device(deviceId)
    return resourceNow(record, { nowMs, device, rosterCrew, order: orders.get(id) }, desk.plan)
  })
}

export const resourceById = (desk: Desk, nowMs: number, id: string): Resource | undefined => {
  const record = desk.resources.get(id)
  return record === undefined ? undefined : resourcesNow(desk, nowMs, [record])[0]
}

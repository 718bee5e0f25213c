// The package with which a confirmed fire is handed over to the fire brigade (119): everything they ask first, frozen when it was made.
import type { AlarmKind, Severity, Text } from './alarm.ts'
import type { OrderState } from './order.ts'
import type { Place, Position } from './reading.ts'
import type { EtaInterval, ResourceKind } from './resource.ts'

export type Handover = {
  version: 1
  /** <incident>-119-<number> */
  id: string
  incidentId: string
  at: string
  /** system where the confirmation made it, else who asked for it */
  by: string
  why: 'confirmed' | 'by-hand'
  drill?: true
  title: Text
  kind: AlarmKind
  severity: Severity
  place?: Place
  position?: Position
  firstAlarmAt: string
  confirmedAt?: string
  /** the alarms in order of their time, the first 20 */
  alarms: { at: string; kind: AlarmKind; severity: Severity; active: boolean; deviceId?: string; place?: Place; text: Text }[]
  alarmsInAll: number
  /** who was sent, and how far they are */
  sent: { name: Text; kind: ResourceKind; state: OrderState; eta?: EtaInterval; at: string }[]
  /** hydrants that nearby stations report, nearest station first */
  water: { station: Text; distanceM: number; hydrants: { id: string; pressureKpa?: number }[] }[]
  /** what officers noted, newest last, at most 20 */
  notes: { at: string; by: string; note: string }[]
}

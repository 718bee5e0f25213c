// Hikvision's alarm hubs and panels (AX, DS-PWA): "cidEvent" tells Contact-ID events of their zones, among them those of fire and gas detectors.
// The qualifier says whether it is new or restored: eventState is active for both. Its own `code` is another one than the standard's.
import { flagsOfCid, isTest } from '../alarm-panel-dc09/events.ts'
import { at, num, str, type Found, type JsonObject } from '../compose.ts'

type PanelEvent = Pick<Found, 'alarms' | 'flags' | 'state' | 'text'> &
  Partial<Pick<Found, 'deviceId' | 'kind' | 'gateway'>> & { unread?: string }

/** undefined = this is none. Zones count from 0, as the interface has them; the app shows one more. */
export function panelEvent(alert: JsonObject, host: string, channel: number): PanelEvent | undefined {
  if (str(alert, 'eventType')?.toLowerCase() !== 'cidevent') return undefined
  const cid = at(alert, 'CIDEvent')
  const zone = num(cid, 'zone')
  const name = str(cid, 'zoneName') ?? str(cid, 'name')
  const own = { event: 'cidEvent', type: str(cid, 'type'), system: num(cid, 'system') }
  const found = {
    ...(zone === undefined
      ? { deviceId: `${host}/${channel}`, kind: 'panel' as const }
      : { deviceId: `${host}/zone-${zone}`, kind: 'panel-component' as const, gateway: `${host}/${channel}` }),
    ...(name !== undefined && { text: name }),
  }
  const [, qualifier, event] = /^([136])(\d{3})$/.exec(String(num(cid, 'standardCIDcode') ?? '')) ?? []
  if (event === undefined || qualifier === undefined)
    return { ...found, state: own, unread: `a cidEvent without standardCIDcode (code ${num(cid, 'code') ?? 'none'})` }
  const on = qualifier !== '3'
  const test = isTest(event) && on
  return {
    ...found,
    alarms: { ...Object.fromEntries(flagsOfCid(event).map(flag => [flag, on])), ...(test && { test: true }) },
    ...(test && { flags: { test: true } }),
    state: { ...own, cid: event, qualifier },
  }
}

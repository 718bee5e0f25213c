// One notification as an OASIS CAP 1.2 message: an alert when the incident opens, updates while it changes, a cancel when it ends, each
// naming those before it. Pure. docs/notify.md says how level, urgency and certainty are told; test/fixtures/cap holds the schema.
import type { Zone } from '#contracts/zone.ts'
import type { Notification, AnyEvent } from './notifiers/notifier.ts'

export type CapReference = { identifier: string; sent: string }
export type CapOptions = {
  /** who speaks: no spaces, commas, < or & (CAP 1.2, 3.2.1) */
  sender: string
  /** for the offset in every time: CAP allows no Z */
  zone: Zone
  references: readonly CapReference[]
  /** a drill: nothing is really happening */
  exercise?: boolean
}

/** Who has it inside, and what is handed to the brigade, is no news to the public feed: those events make no message of it. */
const NOT_OF_FEED: ReadonlySet<AnyEvent> = new Set(['escalated', 'handover', 'order', 'order-ended'])
export const isOfFeed = (event: AnyEvent): boolean => !NOT_OF_FEED.has(event)

const TYPES: Record<AnyEvent, 'Alert' | 'Update' | 'Cancel'> = {
  opened: 'Alert',
  confirmed: 'Update',
  severity: 'Update',
  're-opened': 'Update',
  escalated: 'Update',
  handover: 'Update',
  closed: 'Cancel',
  merged: 'Cancel',
  // never of the feed
  order: 'Update',
  'order-ended': 'Update',
}
const SEVERITIES = ['Unknown', 'Extreme', 'Severe', 'Moderate', 'Minor'] as const
/** metres around a position that is known to a building */
const RADIUS_M = 60
const CORNERS = 8
const METRES_A_DEGREE = 111_320
const LANGUAGES = { zh: 'zh-CN', en: 'en-US' } as const
const RESTRICTION = 'For the fire service and the operations centre of the district only'

const pad = (n: number): string => String(Math.trunc(n)).padStart(2, '0')

/** 2026-03-12T22:40:00+08:00: whole seconds and an offset; UTC is written -00:00 (CAP 1.2, 3.3.2). */
export const capTime = (ms: number, zone: Zone): string => {
  const utcOffsetMinutes = zone.offsetMinutes(ms)
  const minutes = Math.abs(utcOffsetMinutes)
  return `${zone.local(ms)}${utcOffsetMinutes > 0 ? '+' : '-'}${pad(minutes / 60)}:${pad(minutes % 60)}`
}

/** XML 1.0 allows few control characters, and none of them is needed here. */
export const xml = (text: string): string =>
  text
    // oxlint-disable-next-line no-control-regex
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

const element = (name: string, value: string | undefined): string => (value === undefined ? '' : `<${name}>${xml(value)}</${name}>`)

/** An octagon, closed, counter-clockwise, "lat,lon lat,lon ..." (CAP 1.2, 3.2.4). */
const polygonAround = ({ lat, lon }: { lat: number; lon: number }): string => {
  const corner = (i: number): string => {
    const angle = (2 * Math.PI * i) / CORNERS
    const north = (RADIUS_M * Math.sin(angle)) / METRES_A_DEGREE
    const east = (RADIUS_M * Math.cos(angle)) / (METRES_A_DEGREE * Math.max(0.01, Math.cos((lat * Math.PI) / 180)))
    return `${(lat + north).toFixed(6)},${(lon + east).toFixed(6)}`
  }
  return [...Array.from({ length: CORNERS }, (_, i) => corner(i)), corner(0)].join(' ')
}

const certaintyOf = ({ event, incident: i }: Notification): string => {
  if (event === 'closed' && i.falseAlarm === true) return 'Unlikely'
  if (i.confirmedAt !== undefined) return 'Observed'
  return i.kind === 'pre-alarm' ? 'Possible' : 'Likely'
}

const infoOf = (n: Notification, type: string, lang: 'zh' | 'en'): string => {
  const { incident } = n
  const over = type === 'Cancel'
  const where = [incident.place?.area, incident.place?.building, incident.place?.floor, incident.place?.room].filter(Boolean).join(' ')
  const parameters = [
    ['incident', incident.id],
    ['event', n.event],
    ['kind', incident.kind],
    ['level', String(incident.severity)],
  ] as const
  return [
    '<info>',
    element('language', LANGUAGES[lang]),
    element('category', 'Fire'),
    element('event', incident.title[lang].split(' · ')[0]),
    element('responseType', over ? 'AllClear' : 'Assess'),
    element('urgency', over ? 'Past' : 'Immediate'),
    element('severity', SEVERITIES[incident.severity]),
    element('certainty', certaintyOf(n)),
    element('headline', n.text[lang]),
    element('description', incident.title[lang]),
    ...parameters.map(([name, value]) => `<parameter>${element('valueName', name)}${element('value', value)}</parameter>`),
    '<area>',
    element('areaDesc', where === '' ? incident.title[lang] : where),
    element('polygon', incident.position && polygonAround(incident.position)),
    '</area>',
    '</info>',
  ].join('')
}

/** CAP 1.2, 3.2.1: no spaces, commas, < or & in identifiers. */
export const capIdentifier = (id: string): string => id.replaceAll(/[\s,<&]/g, '-')

export const capMessage = (n: Notification, o: CapOptions): string => {
  const type = o.references.length === 0 ? 'Alert' : TYPES[n.event]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">',
    element('identifier', capIdentifier(n.id)),
    element('sender', o.sender),
    element('sent', capTime(Date.parse(n.at), o.zone)),
    element('status', o.exercise === true ? 'Exercise' : 'Actual'),
    element('msgType', type),
    element('scope', 'Restricted'),
    element('restriction', RESTRICTION),
    element('references', o.references.map(r => `${o.sender},${r.identifier},${r.sent}`).join(' ') || undefined),
    element('incidents', capIdentifier(n.incident.id)),
    infoOf(n, type, 'zh'),
    infoOf(n, type, 'en'),
    '</alert>\n',
  ].join('')
}

// The hand-over package as a printable page, in Chinese or in English. Pure: text in, text out; everything that came from outside is escaped.
import type { Handover } from '#contracts/handover.ts'
import type { Text } from '#contracts/alarm.ts'
import type { Zone } from '#contracts/zone.ts'
import type { Place } from '#contracts/reading.ts'

export type PageLang = 'zh-CN' | 'en'

const escaped = (words: string): string =>
  words.replaceAll(/[&<>"']/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c] ?? c)

const LABELS = {
  title: { zh: '火警移交单（119）', en: 'Fire hand-over (119)' },
  drill: { zh: '演练 · 非真实火警', en: 'DRILL: not a real fire' },
  incident: { zh: '警情编号', en: 'Incident' },
  where: { zh: '地点', en: 'Where' },
  position: { zh: '坐标（WGS84）', en: 'Position (WGS84)' },
  first: { zh: '首次报警', en: 'First alarm' },
  confirmed: { zh: '火灾确认', en: 'Confirmed' },
  made: { zh: '移交时间', en: 'Handed over' },
  by: { zh: '移交人', en: 'By' },
  alarms: { zh: '报警', en: 'Alarms' },
  more: { zh: '共', en: 'in all' },
  sent: { zh: '已派力量', en: 'Sent so far' },
  none: { zh: '无', en: 'none' },
  water: { zh: '附近水源', en: 'Water nearby' },
  notes: { zh: '处置记录', en: 'Notes' },
  received: { zh: '接收人签字', en: 'Received by' },
  active: { zh: '持续', en: 'active' },
  over: { zh: '恢复', en: 'over' },
  minutes: { zh: '分钟', en: 'min' },
} as const satisfies Record<string, Text>

const STATES: Record<string, Text> = {
  offered: { zh: '已派单', en: 'asked' },
  accepted: { zh: '已接单', en: 'accepted' },
  'en-route': { zh: '途中', en: 'on the way' },
  'on-scene': { zh: '已到场', en: 'on scene' },
  complete: { zh: '已完成', en: 'done' },
  refused: { zh: '已拒绝', en: 'refused' },
  silent: { zh: '未应答', en: 'no answer' },
  withdrawn: { zh: '已撤回', en: 'called back' },
}

/** Local time, to the second. */
const localTime = (at: string, zone: Zone): string => zone.local(Date.parse(at)).replace('T', ' ')

const placeWords = (place: Place | undefined): string =>
  [place?.area, place?.grid, place?.building, place?.floor, place?.room].filter(one => one !== undefined && one !== '').join(' · ')

const STYLE = `body{font:14px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;color:#111;margin:24px auto;max-width:190mm}
h1{font-size:22px;margin:0 0 4px}h2{font-size:15px;margin:16px 0 4px;border-bottom:1px solid #111}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #999;padding:3px 6px;text-align:left;vertical-align:top}
th{width:9em;background:#eee}.drill{border:3px solid #111;padding:6px;font-weight:700;font-size:18px;text-align:center}
.sign{margin-top:32px}@page{size:A4;margin:14mm}@media print{body{margin:0}tr{break-inside:avoid}}`

export const handoverPage = (h: Handover, lang: PageLang, zone: Zone): string => {
  const pick = (t: Text): string => escaped(lang === 'en' ? t.en : t.zh)
  const label = (key: keyof typeof LABELS): string => pick(LABELS[key])
  const time = (at: string): string => escaped(localTime(at, zone))
  const row = (key: keyof typeof LABELS, value: string): string => `<tr><th>${label(key)}</th><td>${value}</td></tr>`
  const table = (rows: string[]): string => (rows.length === 0 ? `<p>${label('none')}</p>` : `<table>${rows.join('')}</table>`)
  const cells = (...values: string[]): string => `<tr>${values.map(value => `<td>${value}</td>`).join('')}</tr>`

  const facts = [
    row('incident', `${escaped(h.incidentId)} (${escaped(h.id)})`),
    row('where', escaped(placeWords(h.place)) || label('none')),
    ...(h.position === undefined ? [] : [row('position', `${h.position.lat.toFixed(6)}, ${h.position.lon.toFixed(6)}`)]),
    row('first', time(h.firstAlarmAt)),
    ...(h.confirmedAt === undefined ? [] : [row('confirmed', time(h.confirmedAt))]),
    row('made', time(h.at)),
    row('by', escaped(h.by)),
  ]
  const alarms = h.alarms.map(a =>
    cells(time(a.at), pick(a.text), escaped(a.deviceId ?? ''), escaped(placeWords(a.place)), a.active ? label('active') : label('over')),
  )
  const sent = h.sent.map(s =>
    cells(
      pick(s.name),
      pick(STATES[s.state] ?? { zh: s.state, en: s.state }),
      time(s.at),
      s.eta === undefined ? '' : `${(s.eta.lowS / 60).toFixed(0)}–${(s.eta.highS / 60).toFixed(0)} ${label('minutes')}`,
    ),
  )
  const water = h.water.map(w =>
    cells(
      pick(w.station),
      `${w.distanceM} m`,
      escaped(w.hydrants.map(one => `${one.id}${one.pressureKpa === undefined ? '' : ` ${one.pressureKpa} kPa`}`).join(', ')),
    ),
  )
  const notes = h.notes.map(n => cells(time(n.at), escaped(n.by), escaped(n.note)))
  return `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>${label('title')} ${escaped(h.incidentId)}</title><style>${STYLE}</style></head><body>
${h.drill === true ? `<p class="drill">${label('drill')}</p>` : ''}<h1>${label('title')}</h1><p>${pick(h.title)}</p>${table(facts)}
<h2>${label('alarms')} (${h.alarmsInAll} ${label('more')})</h2>${table(alarms)}<h2>${label('sent')}</h2>${table(sent)}
<h2>${label('water')}</h2>${table(water)}<h2>${label('notes')}</h2>${table(notes)}<p class="sign">${label('received')}: ____________________</p></body></html>`
}

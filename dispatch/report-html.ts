// The daily report as one page of HTML that prints well on A4: no script, no picture, nothing from outside, every word escaped.
import type { DailyReport, ReportedIncident } from './report.ts'
import { LABELS, PHASE_NAMES, type Lang } from './report-words.ts'
import { KIND_NAMES, LEVEL_NAMES } from './words.ts'

export const html = (text: string | number | null | undefined): string =>
  String(text ?? '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')

const STYLE = `@page{size:A4;margin:14mm}*{box-sizing:border-box}
body{font:13px/1.5 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif;color:#111;background:#fff;margin:24px auto;max-width:1000px;padding:0 16px}
h1{font-size:22px;margin:0}h2{font-size:15px;margin:22px 0 6px;border-bottom:2px solid #c00;padding-bottom:3px;break-after:avoid}
p{margin:4px 0;color:#444}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{border:1px solid #bbb;padding:3px 6px;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f2f2f2}
td.n,th.n{text-align:right;white-space:nowrap}tr{break-inside:avoid}thead{display:table-header-group}.late{font-weight:700;color:#a00}
dl{display:grid;grid-template-columns:repeat(4,1fr);gap:6px;margin:8px 0}dl div{border:1px solid #bbb;padding:6px 8px}dt{color:#444;font-size:12px}dd{margin:0;font-size:18px;font-weight:700}
@media print{body{margin:0;max-width:none;padding:0;font-size:11px}.late{color:#000;text-decoration:underline}th{background:#eee;print-color-adjust:exact;-webkit-print-color-adjust:exact}}`

const percent = (share: number | null): string => (share === null ? '-' : `${(share * 100).toFixed(1)} %`)

type Cell = { text: string | number | null | undefined; number?: boolean; late?: boolean }
const plain = (text: Cell['text']): Cell => ({ text })
const figure = (text: Cell['text'], late = false): Cell => ({ text: text ?? '-', number: true, late })

const table = (head: readonly string[], rows: readonly (readonly Cell[])[], none: string): string => {
  if (rows.length === 0) return `<p>${html(none)}</p>`
  const classes = (c: Cell): string => [c.number === true ? 'n' : '', c.late === true ? 'late' : ''].filter(Boolean).join(' ')
  const td = (c: Cell): string => `<td${classes(c) === '' ? '' : ` class="${classes(c)}"`}>${html(c.text)}</td>`
  return `<table><thead><tr>${head.map(h => `<th>${html(h)}</th>`).join('')}</tr></thead><tbody>${rows.map(row => `<tr>${row.map(td).join('')}</tr>`).join('')}</tbody></table>`
}

/** HH:MM:SS of the local day. */
const clockOf = (time: string | undefined, utcOffsetMinutes: number): string =>
  time === undefined ? '-' : new Date(Date.parse(time) + utcOffsetMinutes * 60_000).toISOString().slice(11, 19)

export const reportHtml = (r: DailyReport, lang: Lang, utcOffsetMinutes: number): string => {
  const l = LABELS[lang]
  const totals: [string, string | number][] = [
    [l.alarms, r.totals.alarms],
    [l.incidents, r.totals.incidents],
    [l.levels, r.totals.byLevel.join(' / ')],
    [l.confirmed, r.totals.confirmed],
    [l.falseAlarms, r.totals.falseAlarms],
    [l.closed, r.totals.closed],
    [l.cleared, percent(r.totals.clearedTodayRate)],
    [l.technical, r.totals.technical],
    [l.observations, r.totals.observations],
    [l.unheard, r.totals.unheard],
    [l.drills, r.totals.drills],
    [l.floodShare, percent(r.flood.share)],
  ]
  const phases = r.phases.map(p => [
    plain(PHASE_NAMES[p.phase][lang]),
    figure(p.n),
    figure(p.p50S),
    figure(p.p90S, p.limitS !== null && (p.p90S ?? 0) > p.limitS),
    figure(p.limitS),
    figure(percent(p.onTimeRate)),
  ])
  const clock = (time: string | undefined): Cell => figure(clockOf(time, utcOffsetMinutes))
  const verdict = (i: ReportedIncident): string => (i.falseAlarm === null ? l.unknown : i.falseAlarm ? l.false : l.true)
  const incidents = r.incidents.map(i => [
    plain(i.id),
    plain(LEVEL_NAMES[i.severity]),
    plain(i.title[lang]),
    clock(i.times.queued),
    clock(i.times.acknowledged),
    clock(i.times.accepted),
    clock(i.times.onScene),
    clock(i.times.closed),
    figure(i.intervals.response, (i.intervals.response ?? 0) > 300),
    plain(verdict(i)),
    plain(i.cause ?? ''),
  ])
  const kind = (name: keyof typeof KIND_NAMES): string => KIND_NAMES[name][lang]
  const section = (title: string, content: string): string => `<section><h2>${html(title)}</h2>${content}</section>`
  const heads = [PHASE_NAMES.queued, PHASE_NAMES.acknowledged, PHASE_NAMES.accepted, PHASE_NAMES.response, PHASE_NAMES.closed]
  const short = heads.map(names => names[lang].split(/到| to /).at(-1) ?? '')
  return (
    `<!doctype html><html lang="${lang === 'zh' ? 'zh-CN' : 'en'}"><head><meta charset="utf-8"><title>${html(l.title)} ${html(r.date)}</title><style>${STYLE}</style></head><body>` +
    `<h1>${html(l.title)} ${html(r.date)}</h1>${r.complete ? '' : `<p>${html(l.open)}</p>`}` +
    section(l.totals, `<dl>${totals.map(([name, value]) => `<div><dt>${html(name)}</dt><dd>${html(value)}</dd></div>`).join('')}</dl>`) +
    section(l.phases, table([l.phase, l.n, l.p50, l.p90, l.limit, l.onTime], phases, l.none)) +
    section(l.list, table([l.id, l.level, l.what, ...short, `${PHASE_NAMES.response[lang]} (s)`, l.falseAlarms, l.cause], incidents, l.none) + (r.incidentsLeftOut > 0 ? `<p>${r.incidentsLeftOut} ${html(l.leftOut)}</p>` : '')) +
    section(
      l.falseOf,
      table([l.bySite, l.times], r.falseAlarms.bySite.map(s => [plain(s.overLimit ? `${s.site} (${l.over})` : s.site), figure(s.n, s.overLimit)]), l.none) +
        (r.falseAlarms.byCause.length === 0 ? '' : table([l.byCause, l.times], r.falseAlarms.byCause.map(c => [plain(c.cause), figure(c.n)]), l.none)),
    ) +
    section(l.standing, table([l.device, l.kind, l.since, l.hours], r.standing.map(s => [plain(s.device), plain(kind(s.kind)), plain(s.since), figure(s.hours)]), l.none)) +
    section(l.chattering, table([l.device, l.kind, l.times, l.in10], r.chattering.map(c => [plain(c.device), plain(kind(c.kind)), figure(c.activations), figure(c.mostIn10Min)]), l.none)) +
    section(l.flood, `<p>${html(l.floodShare)}: ${percent(r.flood.share)}; ${html(l.most)}: ${r.flood.mostIn10Min}</p>`) +
    '</body></html>\n'
  )
}

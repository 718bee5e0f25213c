// The daily report as one page of HTML that prints well on A4: no script, no picture, nothing from outside, every word escaped.
import { openZone } from '#contracts/zone.ts'
import { REPORT_SHEETS } from '#contracts/report.ts'
import type { DailyReport } from './report.ts'
import { localTime, sheetOf, type Cell, type Sheet } from './report-sheets.ts'
import { LABELS, type Lang } from './report-words.ts'

const html = (text: string | number): string =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')

// landscape: a row has up to 21 cells, and none may run off the sheet
const STYLE = `@page{size:A4 landscape;margin:10mm}*{box-sizing:border-box}
body{font:13px/1.45 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif;color:#111;background:#fff;margin:24px auto;max-width:1280px;padding:0 16px}
h1{font-size:22px;margin:0}h2{font-size:15px;margin:20px 0 6px;border-bottom:2px solid #c00;padding-bottom:3px;break-after:avoid}
p{margin:4px 0;color:#444}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{border:1px solid #bbb;padding:3px 5px;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f2f2f2;font-weight:600}
td.n{text-align:right;white-space:nowrap}tr{break-inside:avoid}thead{display:table-header-group}.late{font-weight:700;color:#a00}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:6px;margin:8px 0}dl div{border:1px solid #bbb;padding:6px 8px;break-inside:avoid}
dt{color:#444;font-size:12px}dd{margin:0;font-size:18px;font-weight:700}
@media print{body{margin:0;max-width:none;padding:0;font-size:9px}h2{font-size:12px}dd{font-size:13px}dt{font-size:9px}.scroll{overflow:visible}
th,td{padding:1px 3px}.late{color:#000;text-decoration:underline}th{background:#eee;print-color-adjust:exact;-webkit-print-color-adjust:exact}}`

const td = ({ value, late }: Cell): string => {
  const classes = [typeof value === 'number' ? 'n' : '', late === true ? 'late' : ''].filter(Boolean).join(' ')
  return `<td${classes === '' ? '' : ` class="${classes}"`}>${html(value ?? '-')}</td>`
}

const tableOf = ({ head, rows, leftOut }: Sheet, lang: Lang): string => {
  if (rows.length === 0) return `<p>${html(LABELS[lang].none)}</p>`
  const body = rows.map(row => `<tr>${row.map(td).join('')}</tr>`).join('')
  const more = leftOut > 0 ? `<p>${leftOut} ${html(LABELS[lang].leftOut)}</p>` : ''
  const heads = head.map(h => `<th scope="col">${html(h)}</th>`).join('')
  return `<div class="scroll" tabindex="0"><table><thead><tr>${heads}</tr></thead><tbody>${body}</tbody></table></div>${more}`
}

const boxesOf = ({ rows }: Sheet): string => {
  const box = ([name, value]: Cell[]): string => `<div><dt>${html(name?.value ?? '')}</dt><dd>${html(value?.value ?? '-')}</dd></div>`
  return `<dl>${rows.map(box).join('')}</dl>`
}

const ORDER = ['totals', 'phases', ...REPORT_SHEETS.filter(name => name !== 'totals' && name !== 'phases')] as const

export const reportHtml = (r: DailyReport, lang: Lang): string => {
  const l = LABELS[lang]
  const sections = ORDER.map(name => {
    const sheet = sheetOf(r, name, lang)
    return `<section><h2>${html(sheet.title)}</h2>${name === 'totals' ? boxesOf(sheet) : tableOf(sheet, lang)}</section>`
  })
  const asOf = `${l.asOf} ${localTime(r.asOf, openZone(r.timeZone)) ?? '-'}`
  return (
    `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${html(l.title)} ${html(r.date)}</title><style>${STYLE}</style></head><body><main>` +
    `<h1>${html(l.title)} ${html(r.date)}</h1><p>${html(asOf)}${r.complete ? '' : `. ${html(l.open)}`}</p>` +
    `${sections.join('')}<p>${html(l.note)}</p></main></body></html>\n`
  )
}

// A backtest as a table for people: a line for each labelled fire, what quiet hours cost, and what another set would change.
import type { Backtest, Difference } from '../rules/index.ts'

const seconds = (s: number | null): string => (s === null ? '-' : s.toFixed(0))
const signed = (s: number | null): string => (s === null ? '-' : `${s > 0 ? '+' : ''}${s.toFixed(0)}`)

export function tableOf({ recordings }: Backtest): string {
  const head = ['recording', 'found s', 'vs real s', 'confirmed s', 'incidents', 'fire', 'alarms', 'faults', 'false', 'quiet h', 'false/h']
  const rows = recordings.flatMap(score => {
    const { alarms, sensorFaults, falseAlarms, quiet } = score
    const counts = [
      alarms.length,
      sensorFaults.length,
      quiet === null ? 'no truth' : falseAlarms.length,
      quiet?.hours.toFixed(2) ?? '',
      quiet?.perHour ?? '',
    ]
    if (score.fires.length === 0) return [[score.name, '-', '', '', score.incidents.length, '', ...counts]]
    return score.fires.map(f => [
      score.name,
      f.detectedAfterS === null ? 'MISSED' : seconds(f.detectedAfterS),
      signed(f.againstFirstAlarmS),
      seconds(f.confirmedAfterS),
      f.incidents,
      f.what,
      ...counts,
    ])
  })
  return aligned([head, ...rows])
}

export function causesOf({ recordings }: Backtest): string[] {
  const total = { hours: 0, falseAlarms: 0, byRule: {} as Record<string, number> }
  for (const { quiet } of recordings) {
    total.hours += quiet?.hours ?? 0
    total.falseAlarms += quiet?.falseAlarms ?? 0
    for (const [rule, n] of Object.entries(quiet?.byRule ?? {})) total.byRule[rule] = (total.byRule[rule] ?? 0) + n
  }
  const causes = Object.entries(total.byRule).map(([rule, n]) => `${rule} ${n}`)
  const each = recordings.flatMap(({ name, falseAlarms }) => falseAlarms.map(f => `${name}: FALSE ${f.rule} at ${f.raisedAt}: ${f.cause}`))
  if (total.hours === 0) return each
  return [
    ...each,
    `quiet hours: ${total.hours.toFixed(1)}, false alarms in them: ${total.falseAlarms}${causes.length > 0 ? ` (${causes.join(', ')})` : ''}`,
  ]
}

export function differenceTable(d: Difference): string[] {
  const moved = (what: string, list: Difference['earlier']) =>
    list.map(s => `${what} ${s.recording}: ${s.rule} of ${s.deviceId} by ${Math.abs(s.byS).toFixed(1)} s`)
  return [
    `${d.added.length} alarms added, ${d.removed.length} removed, ${d.earlier.length} earlier, ${d.later.length} later, ${d.same} the same`,
    ...d.added.map(a => `+ ${a.recording}: ${a.rule} (${a.kind}) of ${a.deviceIds.join()} at ${a.raisedAt}`),
    ...d.removed.map(a => `- ${a.recording}: ${a.rule} (${a.kind}) of ${a.deviceIds.join()} at ${a.raisedAt}`),
    ...moved('<', d.earlier),
    ...moved('>', d.later),
    ...d.fires.map(f => `fire ${f.recording}, ${f.what}: found after ${seconds(f.detectedAfterS)} s, was ${seconds(f.wasAfterS)} s`),
  ]
}

function aligned(rows: (string | number)[][]): string {
  const lines = rows.map(row => row.map(String))
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  const padded = (line: string[]) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return lines.map(line => padded(line).trimEnd()).join('\n')
}

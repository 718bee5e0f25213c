// The sheets of the daily report, by which it is asked for as CSV.

export const REPORT_SHEETS = [
  'incidents',
  'intervals',
  'totals',
  'phases',
  'false-alarms-by-site',
  'false-alarms-by-cause',
  'standing',
  'chattering',
  'flood',
] as const
export type ReportSheet = (typeof REPORT_SHEETS)[number]

// What backtests of single recordings come to together, and a refused set's mistakes by file and line. Pure.

type Fire = {
  building: string
  what: string
  detectedAfterS: number | null
  againstFirstAlarmS: number | null
  incidents: number
  rule: string | null
}
type Told = { rule: string; kind: string; raisedAt: string; deviceIds: string[] }
export type Score = {
  name: string
  messages: number
  readings: number
  fires: Fire[]
  alarms: Told[]
  alarmsByRule: Record<string, number>
  missed: object[]
  falseAlarms: (Told & { cause: string })[]
  quiet: { hours: number; falseAlarms: number; perHour: number } | null
}
type Shift = { recording: string; rule: string; deviceId: string; raisedAt: string; byS: number }
export type Difference = {
  added: (Told & { recording: string })[]
  removed: (Told & { recording: string })[]
  earlier: Shift[]
  later: Shift[]
  same: number
  fires: { recording: string; what: string; detectedAfterS: number | null; wasAfterS: number | null }[]
}
export type Answer = {
  ruleSet?: { name: string; version: string; rules: number }
  recordings: Score[]
  difference?: Difference
  against?: { ruleSet?: { version: string }; recordings: Score[] }
}

const NO_DIFFERENCE: Difference = { added: [], removed: [], earlier: [], later: [], same: 0, fires: [] }

/** Recordings are tried one by one, so that it can be said how far it has come; a difference is of each recording by itself, so it adds up. */
export const together = (answers: readonly Answer[]): Answer => {
  const differences = answers.flatMap(one => one.difference ?? [])
  const against = answers.flatMap(one => one.against ?? [])
  return {
    ...(answers[0]?.ruleSet === undefined ? {} : { ruleSet: answers[0].ruleSet }),
    recordings: answers.flatMap(one => one.recordings),
    ...(against.length === 0 ? {} : { against: { ...against[0], recordings: against.flatMap(one => one.recordings) } }),
    ...(differences.length === 0
      ? {}
      : {
          difference: differences.reduce(
            (sum, one) => ({
              added: [...sum.added, ...one.added],
              removed: [...sum.removed, ...one.removed],
              earlier: [...sum.earlier, ...one.earlier],
              later: [...sum.later, ...one.later],
              same: sum.same + one.same,
              fires: [...sum.fires, ...one.fires],
            }),
            NO_DIFFERENCE,
          ),
        }),
  }
}

export type Sum = {
  fires: number
  found: number
  missed: number
  falseAlarms: number
  quietHours: number
  quietFalse: number
  alarms: number
}

export const sumOf = (scores: readonly Score[]): Sum => {
  const sum: Sum = { fires: 0, found: 0, missed: 0, falseAlarms: 0, quietHours: 0, quietFalse: 0, alarms: 0 }
  for (const one of scores) {
    sum.fires += one.fires.length
    sum.found += one.fires.filter(fire => fire.detectedAfterS !== null).length
    sum.missed += one.missed.length
    sum.falseAlarms += one.falseAlarms.length
    sum.quietHours += one.quiet?.hours ?? 0
    sum.quietFalse += one.quiet?.falseAlarms ?? 0
    sum.alarms += one.alarms.length
  }
  return sum
}

export type Mistake = { file?: string; line?: number; what: string }

/** `the rule set cannot be used:\nfire.yaml:12: /0/kind ...` -> one mistake a line, each with its place where it names one. */
export const mistakesIn = (message: string): Mistake[] =>
  message
    .split('\n')
    .slice(1)
    .filter(line => line.trim() !== '')
    .map(line => {
      const found = /^([^\s:]+\.(?:ya?ml|json)):(\d+)(?::\d+)?:? (.*)$/.exec(line)
      return found === null ? { what: line } : { file: found[1]!, line: Number(found[2]), what: found[3]! }
    })

/** Where line `line` (1 = first) of `text` begins and ends, for a text area's selection. */
export const spanOfLine = (text: string, line: number): [from: number, to: number] => {
  const lines = text.split('\n')
  const before = lines.slice(0, line - 1)
  const from = before.reduce((sum, one) => sum + one.length + 1, 0)
  return [Math.min(from, text.length), Math.min(from + (lines[line - 1]?.length ?? 0), text.length)]
}

// docs/alarms.md is what duty officers read: its tables and numbers are those of the program.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALARM_KINDS, ALARM_STATES, isHazard } from '#contracts/alarm.ts'
import { ALARM_TRANSITIONS } from '../../dispatch/alarm-states.ts'
import { EVIDENCE_FIRST, EVIDENCE_LAST } from '../../dispatch/evidence.ts'
import { GROUP_WINDOW_MS } from '../../dispatch/grouping.ts'
import { INCIDENT_TRANSITIONS, isOpen } from '../../dispatch/incident-states.ts'
import { SHELVE_MS_MAX } from '../../dispatch/people-alarms.ts'
import { OTHER_PLACE_M, SAME_PLACE_M } from '../../dispatch/place.ts'
import { ALARMS_LISTED_MAX, INCIDENTS_LISTED_MAX, TIMELINE_LISTED_MAX } from '../../dispatch/queue.ts'
import { DEFAULT_SEVERITY, isTrigger } from '../../dispatch/severities.ts'
import { KIND_NAMES, LEVEL_NAMES } from '../../dispatch/words.ts'

const doc = readFileSync(join(import.meta.dirname, '../../docs/alarms.md'), 'utf8')
const words = doc.replaceAll(/\s+/g, ' ')

/** The rows of the table with this head. */
const table = (head: string): string[][] => {
  const lines = doc.split('\n')
  const from = lines.indexOf(head)
  expect(from, `docs/alarms.md has a table ${head}`).toBeGreaterThan(0)
  const rest = lines.slice(from + 2)
  const end = rest.findIndex(line => !line.startsWith('|'))
  return rest.slice(0, end).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

describe('docs/alarms.md', () => {
  it('has every kind with its names, level, category and whether it confirms', () => {
    const rows = ALARM_KINDS.map(kind => [
      `\`${kind}\``,
      KIND_NAMES[kind].en,
      KIND_NAMES[kind].zh,
      LEVEL_NAMES[DEFAULT_SEVERITY[kind]],
      isHazard(kind) ? 'fire' : 'technical',
      isTrigger(kind) ? 'yes' : '-',
    ])
    expect(table('| Kind | Name | 名称 | Level | Makes a | Confirms |')).toEqual(rows)
  })

  it('has the state table of the program, row by row', () => {
    expect(table('| From | Event | When | To |')).toEqual(ALARM_TRANSITIONS.map(t => [t.from, t.event, t.when, t.to]))
    expect(table('| State | Means |').map(row => row[0])).toEqual([...ALARM_STATES])
  })

  it('has the transitions of incidents', () => {
    const open = [...new Set(INCIDENT_TRANSITIONS.map(t => t.from))].filter(isOpen)
    const said = table('| From | Event | To |').flatMap(([from = '', events = '', to = '']) => {
      const froms = from === 'any open state' ? open : from.split(', ')
      return froms.flatMap(f => events.split(', ').map(event => `${f} ${event} ${to === 'unchanged' ? f : to}`))
    })
    expect(said.sort()).toEqual(INCIDENT_TRANSITIONS.map(t => `${t.from} ${t.event} ${t.to}`).sort())
  })

  it('says the numbers of the program', () => {
    const thousands = (n: number): string => n.toLocaleString('en-US')
    for (const sentence of [
      `at most ${SAME_PLACE_M} m apart`,
      `more than ${OTHER_PLACE_M} m apart`,
      `at most ${GROUP_WINDOW_MS / 60_000} minutes before`,
      `within ${SHELVE_MS_MAX / 3_600_000} hours`,
      `first ${EVIDENCE_FIRST} and the newest ${EVIDENCE_LAST} pieces of evidence`,
      `at most ${thousands(INCIDENTS_LISTED_MAX)} incidents or ${thousands(ALARMS_LISTED_MAX)} alarms`,
      `newest ${thousands(TIMELINE_LISTED_MAX)} lines`,
    ])
      expect(words).toContain(sentence)
  })
})

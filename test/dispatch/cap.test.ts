// CAP 1.2: every message of an incident's life is valid against our own description of the schema (xmllint) and keeps what the standard's text asks
// beside it, names those before it, and nothing in a place name or a cause can become markup.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openZone } from '#contracts/zone.ts'
import { capMessage, capTime } from '../../dispatch/cap.ts'
import { capFaults, valuesOf } from './cap-rules.ts'
import { folder, MINUTE_MS, NIGHT_MS, openDesk, raise, send } from './desk.ts'
import { notification } from './notifier-conformance.ts'

const XSD = join(import.meta.dirname, '../fixtures/cap/own-cap-1.2.xsd')

/** '' when all are valid, else what xmllint says. */
const invalid = (messages: readonly string[]): string => {
  using dir = folder()
  const files = messages.map((xml, i) => {
    const file = join(dir.path, `${i}.xml`)
    writeFileSync(file, xml)
    return file
  })
  const { status, stderr } = spawnSync('xmllint', ['--noout', '--nonet', '--schema', XSD, ...files], { encoding: 'utf8' })
  return status === 0 ? '' : stderr
}
const of = (xml: string, name: string): string[] => [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(m => m[1] ?? '')
const KITCHEN = { place: { area: '<江宁> & "东山"', building: 'b2]]>', room: '1405' }, position: { lat: 31.95, lon: 118.84 } }

/** Opened, confirmed, closed as a false alarm, and one merged into another. */
const life = () => {
  const { dispatch, clock } = openDesk()
  send(dispatch, raise({ id: 'a', deviceId: 'd1', ...KITCHEN }))
  clock.add(MINUTE_MS)
  send(dispatch, raise({ id: 'b', deviceId: 'd2', ...KITCHEN }))
  send(dispatch, raise({ id: 'c', deviceId: 'd3' }))
  const [fire, other] = dispatch.incidents({ limit: 9 }).map(i => i.id) as [string, string]
  clock.add(MINUTE_MS)
  dispatch.closeIncident(fire, { by: 'li', cause: '</description><script>', falseAlarm: true })
  send(dispatch, raise({ id: 'd', deviceId: 'd4', place: { building: 'b9' } }))
  const third = dispatch.incidents({ limit: 9 }).find(i => i.place?.building === 'b9')!.id
  dispatch.mergeIncident(other, { by: 'li', into: third, reason: 'one fire' })
  const entries = dispatch.cap.newest(99).toReversed()
  return { fire, other, third, entries, xml: entries.map(e => dispatch.cap.xml(e.identifier)!) }
}

describe('CAP 1.2', () => {
  it('is valid in every event of an incident', () => {
    const { entries, xml } = life()
    expect(entries, 'the merge confirmed the other').toHaveLength(7)
    expect(invalid(xml)).toBe('')
    expect(xml.flatMap(capFaults)).toEqual([])
    // a reference is to a message of this feed, with the time it was sent
    const sent = new Set(xml.map(x => ['sender', 'identifier', 'sent'].map(name => valuesOf(x, name)[0]).join(',')))
    const named = xml.flatMap(x => valuesOf(x, 'references').flatMap(text => text.split(' ')))
    expect(named.length).toBeGreaterThan(4)
    expect(named.filter(one => !sent.has(one))).toEqual([])
    expect(new Set(xml.map(x => valuesOf(x, 'identifier')[0])).size, 'each has an identifier of its own').toBe(xml.length)
  })

  it('is alert, update and cancel, each naming all before it', () => {
    const { fire, xml } = life()
    const [opened, confirmed, closed] = xml.filter(x => of(x, 'incidents')[0] === fire) as [string, string, string]
    expect([opened, confirmed, closed].map(x => of(x, 'msgType')[0])).toEqual(['Alert', 'Update', 'Cancel'])
    expect(of(opened, 'references')).toEqual([])
    const name = (x: string) => `${of(x, 'sender')[0]},${of(x, 'identifier')[0]},${of(x, 'sent')[0]}`
    expect(of(confirmed, 'references')).toEqual([name(opened)])
    expect(of(closed, 'references')).toEqual([`${name(opened)} ${name(confirmed)}`])
    expect(of(opened, 'sent')).toEqual(['2026-03-12T22:40:00+08:00'])
  })

  it('says how urgent, how grave, how certain', () => {
    const { fire, xml } = life()
    const said = xml.filter(x => of(x, 'incidents')[0] === fire).map(x => ['urgency', 'severity', 'certainty'].map(name => of(x, name)[0]))
    expect(said).toEqual([
      ['Immediate', 'Severe', 'Likely'],
      ['Immediate', 'Extreme', 'Observed'],
      ['Past', 'Extreme', 'Unlikely'],
    ])
    expect(of(xml[0]!, 'language')).toEqual(['zh-CN', 'en-US'])
  })

  it('draws a closed polygon around the position', () => {
    const corners = of(life().xml[0]!, 'polygon')[0]!.split(' ')
    expect(corners).toHaveLength(9)
    expect(corners[0]).toBe(corners.at(-1))
    for (const corner of corners) {
      const [lat, lon] = corner.split(',').map(Number) as [number, number]
      expect(Math.hypot((lat - 31.95) * 111_320, (lon - 118.84) * 111_320 * Math.cos((31.95 * Math.PI) / 180))).toBeCloseTo(60, 0)
    }
  })

  it('is valid with the strangest words, and as a drill', () => {
    const strange = '\u0000\u001b]]>&<b>\ud83d\udd25'
    const n = {
      ...notification,
      id: 'F, <&',
      text: { zh: strange, en: strange },
      incident: { ...notification.incident, title: { zh: strange, en: strange } },
    }
    const xml = capMessage(n, { sender: 'fengsui', zone: openZone('UTC'), references: [], exercise: true })
    expect(invalid([xml])).toBe('')
    expect(capFaults(xml)).toEqual([])
    expect(of(xml, 'status')).toEqual(['Exercise'])
    expect(of(xml, 'identifier')[0]).not.toMatch(/[\s,<&]/)
  })

  it('has a test that can fail: what is not CAP is refused', () => {
    const xml = capMessage(notification, { sender: 'fengsui', zone: openZone('Asia/Shanghai'), references: [] })
    expect(invalid([xml])).toBe('')
    expect(capFaults(xml)).toEqual([])
    const without = (name: string) => xml.replaceAll(new RegExp(`<${name}>.*?</${name}>`, 'gs'), '')
    const wrong: [name: string, message: string][] = [
      // what must be there
      ...[
        'identifier',
        'sender',
        'sent',
        'status',
        'msgType',
        'scope',
        'category',
        'event',
        'urgency',
        'severity',
        'certainty',
        'areaDesc',
      ].map((name): [string, string] => [name, without(name)]),
      // in its order
      ['status', xml.replace(/(<status>.*?<\/status>)(<msgType>.*?<\/msgType>)/, '$2$1')],
      ['urgency', xml.replace(/(<urgency>.*?<\/urgency>)(<severity>.*?<\/severity>)/, '$2$1')],
      ['area', xml.replace(/(<headline>.*?<\/headline>)(.*?)(<area>.*?<\/area>)/s, '$3$1$2')],
      // in its words
      ...[
        ['status', 'Real'],
        ['msgType', 'Shout'],
        ['scope', 'Secret'],
        ['category', 'fire'],
        ['responseType', 'Run'],
        ['urgency', 'Now'],
        ['severity', 'Bad'],
        ['certainty', 'Sure'],
        ['language', 'not a language'],
      ].map(([name = '', word = '']): [string, string] => [name, xml.replace(new RegExp(`<${name}>.*?<`), `<${name}>${word}<`)]),
      // with its times
      ['sent', xml.replace('+08:00', 'Z')],
      ['sent', xml.replace('+08:00', '')],
      ['sent', xml.replace('+08:00', '.250+08:00')],
      // and nothing more
      ['shout', xml.replace('<info>', '<shout>x</shout><info>')],
    ]
    const valid = wrong.filter(([name, message]) => message === xml || !invalid([message]).includes(name)).map(([name]) => name)
    expect(valid, 'these were let pass').toEqual([])
  })

  it('has rules that can fail: what only the text of the standard forbids', () => {
    const good = life().xml
    const [alert, update] = [good.find(x => of(x, 'msgType')[0] === 'Alert')!, good.find(x => of(x, 'msgType')[0] === 'Update')!]
    const put = (xml: string, name: string, value: string) => xml.replace(new RegExp(`<${name}>[^<]*<`), `<${name}>${value}<`)
    const corners = of(alert, 'polygon')[0]!.split(' ')
    const wrong = [
      ...['a b', 'a,b', 'a&lt;b', 'a&amp;b', ''].flatMap(bad => [put(alert, 'identifier', bad), put(alert, 'sender', bad)]),
      put(alert, 'sent', '2026-03-12T14:40:00+00:00'),
      update.replace(/<references>.*?<\/references>/, ''),
      alert.replace('<incidents>', `<references>${of(update, 'references')[0]}</references><incidents>`),
      ...['fengsui,x', 'fengsui,x,today', 'a,b,2026-03-12T22:40:00+08:00,c', ''].map(bad => put(update, 'references', bad)),
      alert.replace(/<restriction>.*?<\/restriction>/, ''),
      alert.replace('>Restricted<', '>Public<'),
      alert.replace('>Restricted<', '>Private<').replace(/<restriction>.*?<\/restriction>/, ''),
      put(alert, 'polygon', corners.slice(0, -1).join(' ')),
      put(alert, 'polygon', [corners[0], corners[1], corners[0]].join(' ')),
      put(alert, 'polygon', corners.map(c => c.split(',').toReversed().join(',')).join(' ')),
      put(alert, 'polygon', corners.join(';')),
      ...['31.9,118.8', '31.9 118.8 1', '31.9,118.8 -1', '91,118.8 1'].map(bad =>
        alert.replace('</area>', `<circle>${bad}</circle></area>`),
      ),
    ]
    expect(wrong.filter(xml => good.includes(xml) || capFaults(xml).length === 0)).toEqual([])
    expect(capFaults(alert.replace('</area>', '<circle>31.9,118.8 0.06</circle></area>'))).toEqual([])
  })

  it('writes offsets as the standard asks', () => {
    const zones = ['Asia/Shanghai', 'UTC', 'America/St_Johns', 'America/New_York']
    expect(zones.map(name => capTime(NIGHT_MS, openZone(name)))).toEqual([
      '2026-03-12T22:40:00+08:00',
      '2026-03-12T14:40:00-00:00',
      '2026-03-12T12:10:00-02:30',
      '2026-03-12T10:40:00-04:00',
    ])
    expect(capTime(Date.parse('2026-02-12T14:40:00Z'), openZone('America/New_York')), 'in winter').toBe('2026-02-12T09:40:00-05:00')
  })
})

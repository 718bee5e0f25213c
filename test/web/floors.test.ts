// Floors and rooms of a building, made of device rows: worst word wins, silence is a state, another building of the same name is not it.
import { describe, expect, test } from 'vitest'
import type { DeviceRow } from '#contracts/live.ts'
import { columnOf, floorsOf } from '../../dashboard/web/src/incident/floors.ts'
import { incident, row } from './incidents.ts'

const device = (id: string, floor: string, room: string, condition = 'normal', lon = 118.8): DeviceRow => {
  const [, kind, lat, , , heard, name, building, , , number] = row(id, condition)
  return [id, kind, lat, lon, condition, heard, name, building, floor, room, number]
}
const fire = incident('i', { deviceIds: ['a'], position: { lat: 31.9, lon: 118.8 } })

describe('floors', () => {
  test('from the top down, rooms above each other in one column, the alarm marked', () => {
    const rows = [
      device('a', '14', '1405', 'alarm'),
      device('b', '14', '1406', 'stale'),
      device('c', '13', '1305'),
      device('d', 'B1', 'B105'),
      device('e', '9', '905'),
    ]
    const found = floorsOf(rows, fire, true)
    expect(found?.columns).toEqual(['05', '06'])
    expect(found?.floors.map(one => [one.floor, one.isAlarm])).toEqual([
      ['14', true],
      ['13', false],
      ['9', false],
      ['B1', false],
    ])
    expect(found?.floors[0]?.cells).toMatchObject([
      { room: '1405', condition: 'alarm', isAlarm: true },
      { room: '1406', condition: 'stale', isAlarm: false },
    ])
    expect(found?.floors[1]?.cells[1]).toBeNull()
  })
  test('two devices in a room: the worse word is shown, both are named', () => {
    const found = floorsOf([device('x', '14', '1405', 'normal'), device('y', '14', '1405', 'fault')], fire, true)
    expect(found?.floors[0]?.cells).toMatchObject([{ condition: 'fault', deviceIds: ['x', 'y'] }])
  })
  test('a building of the same name elsewhere is another building', () => {
    expect(floorsOf([device('far', '14', '1405', 'alarm', 118.9)], fire, true)).toBeNull()
  })
  test('a tower shows the floors around the alarm, and says how many are left', () => {
    const rows = Array.from({ length: 30 }, (_, i) => device(`d${i + 1}`, String(i + 1), `${i + 1}05`))
    const found = floorsOf(rows, incident('i', { deviceIds: [] }), false)
    expect(found?.floors.map(one => one.floor)).toEqual(['17', '16', '15', '14', '13', '12', '11'])
    expect(found?.left).toBe(23)
  })
  test('without a building, or without devices in it, there is no table', () => {
    expect(floorsOf([device('a', '14', '1405')], incident('i', { place: { area: 'x' } }), true)).toBeNull()
    expect(floorsOf([], fire, true)).toBeNull()
  })
  test('a room is named by what is left after its floor', () => {
    expect([columnOf('14', '1405'), columnOf('1', '101'), columnOf('3', 'kitchen'), columnOf('5', '5')]).toEqual([
      '05',
      '01',
      'kitchen',
      '5',
    ])
  })
})

// Every kind of device through one conformance suite, and every payload of both scenarios against the native schemas.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { blueprint } from '../../simulators/devices/_blueprint.ts'
import type { DeviceModel } from '../../simulators/devices/device.ts'
import { DEVICE_MODELS } from '../../simulators/devices/index.ts'
import type { Planned } from '../../simulators/plan.ts'
import { createRandom } from '../../simulators/random.ts'
import { SCENARIOS, type ScenarioName } from '../../simulators/scenarios/index.ts'
import { planOf, tellStory, violation, worldOf } from './setup.ts'

const planned = planOf(60)
const models: [string, DeviceModel, Planned][] = [
  ...Object.entries(DEVICE_MODELS).map(([kind, model]): [string, DeviceModel, Planned] => [
    kind,
    model,
    planned.find(p => p.kind === kind)!,
  ]),
  ['blueprint', blueprint, { ...planned[0]!, kind: 'gateway' }],
]

test('every file in devices/ is a kind that is listed, or the interface, or the blueprint', () => {
  const files = readdirSync(join(import.meta.dirname, '../../simulators/devices')).map(f => f.replace('.ts', ''))
  expect(files.toSorted()).toEqual(['_blueprint', 'device', 'index', ...Object.keys(DEVICE_MODELS)].toSorted())
})

describe.each(models)('%s', (_name, model, place) => {
  const make = (seed: string) =>
    model({
      planned: place,
      random: createRandom(seed),
      scenario: SCENARIOS['quiet-night']({ planned, random: createRandom('s'), beginsS: 10, awaitOrders: false }),
      routineS: 30,
      speed: 1,
    })
  const run = (seed: string, endS: number) => {
    const device = make(seed)
    const steps: { atS: number; nextS: number; bodies: Record<string, unknown>[] }[] = []
    for (let atS = 0; atS < endS;) {
      const { say, nextS } = device.step(atS)
      steps.push({ atS, nextS, bodies: say.map(s => s.body) })
      atS = nextS
    }
    return steps
  }

  test('always names a later next time', () => {
    for (const { atS, nextS } of run('a', 3000)) expect(nextS).toBeGreaterThan(atS)
  })
  test('speaks about as often as it should', () => {
    const said = run('a', 3000).flatMap(s => s.bodies).length
    expect(said).toBeGreaterThan(80)
    expect(said).toBeLessThan(125)
  })
  test('says the same from the same seed and another thing from another', () => {
    expect(JSON.stringify(run('a', 900))).toBe(JSON.stringify(run('a', 900)))
    expect(JSON.stringify(run('a', 900))).not.toBe(JSON.stringify(run('b', 900)))
  })
  test('fits the native schemas', () => {
    const { deviceId, kind } = place
    for (const body of run('c', 900).flatMap(s => s.bodies)) expect(violation('reading', { v: 1, deviceId, kind, ...body })).toBe('')
    expect(violation('about', { v: 1, deviceId, kind, ...make('c').about() })).toBe('')
  })
})

describe.each(Object.keys(SCENARIOS) as ScenarioName[])('%s', scenario => {
  test('thousands of messages of all kinds fit the schema, and so does every self-description', () => {
    const { planned, world } = worldOf({ devices: 300, scenario, rate: 6 })
    const messages = tellStory(world, 1100)
    expect(messages.length).toBeGreaterThan(5000)
    expect(new Set(messages.map(m => m.body['kind']))).toEqual(new Set(['smoke', 'camera', 'drone', 'micro-station', 'gateway']))
    expect(messages.map(m => violation('reading', m.body)).filter(v => v !== '')).toEqual([])
    expect(planned.map(p => violation('about', world.about(p.deviceId).body)).filter(v => v !== '')).toEqual([])
  })
})

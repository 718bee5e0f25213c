// Deadlines, the chain, the 1-3-5 clock, the posture and the auditor on a real database and a virtual clock; and a real kill -9 with the real
// clock, after which a deadline must be met as if nothing had happened.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ESCALATION_LEVELS } from '#contracts/incident.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { DEFAULT_PLAN, parsePlan, SHIPPED_PLAN } from '../../dispatch/plan.ts'
import { codeOf, folder, iso } from './desk.ts'
import { fireAt, openWorld, type World } from './stations.ts'

const whats = ({ dispatch }: World, id: string): string[] => dispatch.incident(id)?.timeline.map(line => line.what) ?? []
const allowedS = (state: 'new' | 'acknowledged', level = 1): number => DEFAULT_PLAN.deadlines.peacetime.fire[state]?.[level - 1] ?? 0
const wait = (world: World, seconds: number) => {
  world.clock.add(seconds * 1000)
  return world.dispatch.tick(world.clock.nowMs())
}

describe('a deadline', () => {
  it('that passes sends the incident one step up, again and again until the city has it, over restarts', () => {
    using at = folder()
    const world = openWorld({ file: at.file })
    const id = fireAt(world.dispatch)
    const bornMs = world.clock.nowMs()
    expect(world.dispatch.incident(id)).toMatchObject({ stateSince: iso(bornMs), dueAt: iso(bornMs + allowedS('new') * 1000) })
    for (const [i, level] of ESCALATION_LEVELS.slice(1).entries()) {
      expect(wait(world, allowedS('new') - 1).incidents).toEqual([])
      world.reopen()
      const { incidents } = wait(world, 1)
      expect(incidents[0]).toMatchObject({ id, escalation: level, missedAt: iso(bornMs + (i + 1) * allowedS('new') * 1000) })
    }
    wait(world, allowedS('new'))
    expect(world.dispatch.incident(id)?.dueAt).toBeUndefined()
    expect(whats(world, id).filter(what => what === 'deadline-missed')).toHaveLength(5)
    // at the city, missed, and nobody above: that is what the auditor finds
    expect(world.dispatch.stuck(world.clock.nowMs())).toMatchObject([{ count: 1, ids: [id] }])
    world.dispatch.acknowledgeIncident(id, { by: 'li' })
    expect(world.dispatch.stuck(world.clock.nowMs())).toEqual([])
    world.dispatch.close()
  })

  it('begins anew with each state, ends with the incident, and is shorter for a graver level', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    wait(world, 50)
    world.dispatch.acknowledgeIncident(id, { by: 'li' })
    const nowMs = world.clock.nowMs()
    expect(world.dispatch.incident(id)?.dueAt).toBe(iso(nowMs + allowedS('acknowledged') * 1000))
    world.dispatch.closeIncident(id, { by: 'li', cause: 'x', falseAlarm: true })
    expect(world.dispatch.incident(id)?.dueAt).toBeUndefined()
    wait(world, 100_000)
    expect(whats(world, id)).not.toContain('deadline-missed')
    expect(world.dispatch.stuck(world.clock.nowMs())).toEqual([])
  })

  it('of the 1-3-5 clock is told once and stays with the order', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    world.dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s1'] })
    world.dispatch.acceptOrder(`${id}-1`, { by: 'crew' })
    wait(world, 59)
    expect(world.dispatch.order(`${id}-1`)?.late).toBeUndefined()
    wait(world, 1)
    expect(world.dispatch.order(`${id}-1`)?.late).toEqual(['turn-out'])
    world.dispatch.enRouteOrder(`${id}-1`, { by: 'crew' })
    wait(world, 100)
    world.dispatch.onSceneOrder(`${id}-1`, { by: 'crew' })
    wait(world, 1000)
    expect(world.dispatch.order(`${id}-1`)?.late).toEqual(['turn-out'])
    expect(whats(world, id)).toContain('late-turn-out')
    expect(whats(world, id)).not.toContain('late-on-scene')
  })
})

describe('the auditor', () => {
  it('finds what should have moved and has not, whatever the reason', () => {
    using at = folder()
    const world = openWorld({ file: at.file })
    const id = fireAt(world.dispatch)
    world.dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s1'] })
    // the tick stands still: nothing acts on what comes due
    world.clock.add(200_000)
    expect(world.dispatch.stuck(world.clock.nowMs()).map(f => f.what)).toEqual([
      'deadlines passed and nobody acted on them',
      'offers unanswered and not passed on',
    ])
    world.dispatch.tick(world.clock.nowMs())
    expect(world.dispatch.stuck(world.clock.nowMs())).toEqual([])
    const db = new DatabaseSync(at.file)
    db.exec("DELETE FROM deadlines WHERE subject = 'incident'")
    db.close()
    expect(world.dispatch.stuck(world.clock.nowMs())).toMatchObject([{ what: 'incidents with a due time that nothing watches', ids: [id] }])
    world.dispatch.close()
  })
})

describe('the posture', () => {
  it('is one audited act that gives every open incident the deadlines of now, and the second officer is told', () => {
    using at = folder()
    const world = openWorld({ file: at.file })
    const id = fireAt(world.dispatch)
    const bornMs = world.clock.nowMs()
    wait(world, 10)
    const changes = world.dispatch.setPosture({ by: 'li', mode: 'emergency', reason: 'factory fire' })
    const emergencyS = DEFAULT_PLAN.deadlines.emergency.fire.new?.[0] ?? 0
    expect(changes.incidents[0]).toMatchObject({ id, dueAt: iso(bornMs + emergencyS * 1000) })
    world.reopen()
    expect(world.dispatch.posture()).toMatchObject({ mode: 'emergency', by: 'li', reason: 'factory fire' })
    expect(codeOf(() => world.dispatch.setPosture({ by: 'wang', mode: 'emergency', reason: 'x' }))).toBe('conflict')
    expect(codeOf(() => world.dispatch.setPosture({ by: 'wang', mode: 'war', reason: 'x' }))).toBe('invalid-request')
    expect(codeOf(() => world.dispatch.setPosture({ by: 'wang', mode: 'peacetime', reason: ' ' }))).toBe('invalid-request')
    expect(world.dispatch.audit({ limit: 50 }).filter(e => e.action.startsWith('posture.'))).toMatchObject([
      { actor: 'user:li', action: 'posture.emergency' },
    ])
    // a fire that begins in an emergency begins higher up
    const second = fireAt(world.dispatch, 'a2', { building: 'far', position: { lat: 31.95, lon: 118.9 } })
    expect(world.dispatch.incident(second)?.escalation).toBe(DEFAULT_PLAN.startsAt.emergency[0])
    world.dispatch.setPosture({ by: 'wang', mode: 'peacetime', reason: 'over' })
    expect(world.dispatch.incident(id)?.dueAt).toBe(iso(bornMs + allowedS('new') * 1000))
    world.dispatch.close()
  })
})

describe('what was sent up the chain', () => {
  it('keeps the time of its step when the posture changes, there and back', () => {
    const world = openWorld()
    const id = fireAt(world.dispatch)
    wait(world, 50)
    world.dispatch.escalateIncident(id, { by: 'li', note: 'nobody comes' })
    const upMs = world.clock.nowMs()
    wait(world, 5)
    const due = () => world.dispatch.incident(id)?.dueAt
    expect(due()).toBe(iso(upMs + allowedS('new') * 1000))
    world.dispatch.setPosture({ by: 'li', mode: 'emergency', reason: 'flood' })
    expect(due()).toBe(iso(upMs + (DEFAULT_PLAN.deadlines.emergency.fire.new?.[0] ?? 0) * 1000))
    world.dispatch.setPosture({ by: 'li', mode: 'peacetime', reason: 'over' })
    expect(due()).toBe(iso(upMs + allowedS('new') * 1000))
    world.dispatch.close()
  })
})

describe('a deadline over kill -9', () => {
  it('is met within a second of its time by the process that comes after', async () => {
    using at = folder()
    const child = join(import.meta.dirname, 'ticker.ts')
    const run = () => spawn(process.execPath, [child, at.file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const first = run()
    const firstEnded = once(first, 'exit')
    await once(first.stdout, 'data')
    first.kill('SIGKILL')
    await firstEnded
    const second = run()
    const ended = once(second, 'exit')
    await once(second.stdout, 'data')
    const openedMs = Date.now()
    const dispatch = openDispatch({ file: at.file, clock: systemClock, log: noLog, meter: noMeter })
    const missed = () => dispatch.audit({ limit: 100 }).findLast(e => e.action === 'incident.deadline-missed')
    while (missed() === undefined && Date.now() - openedMs < 20_000) await delay(100)
    second.kill('SIGKILL')
    await ended
    const found = missed()
    if (found === undefined) throw new Error('no deadline was acted on')
    const { due } = found.detail as { due: string }
    const firedMs = Date.parse(found.at)
    expect(firedMs).toBeGreaterThanOrEqual(Date.parse(due))
    expect(firedMs - Math.max(Date.parse(due), openedMs)).toBeLessThan(1000)
    dispatch.close()
  })
})

describe('the plan', () => {
  it('is refused whole, each wrong value with its place', () => {
    const bad = (text: string): string => {
      try {
        parsePlan(text, 'plan.yaml')
        return ''
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(bad('a: [')).toContain('plan.yaml')
    const shipped = readFileSync(SHIPPED_PLAN, 'utf8')
    expect(bad(shipped)).toBe('')
    expect(bad(shipped.replace('silentAfterS: 3600', 'silentAfterS: -1'))).toMatch(/\/readiness\/silentAfterS must be >= 10/)
    expect(bad(shipped.replace('offers:', 'offerings:'))).toContain('(offerings)')
    expect(bad(shipped.replace('new: [60, 60, 180, 600]', 'new: [60, 60]'))).toContain('/deadlines/peacetime/fire/new')
  })
})

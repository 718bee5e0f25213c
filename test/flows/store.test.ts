// The flow file and its history on disk: what a deploy keeps, what a put-back brings, and how much is kept.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FengsuiError } from '#contracts/errors.ts'
import { takeFound } from '../../flows/files-found.ts'
import { createGate } from '../../flows/gate.ts'
import type { FlowNode } from '../../flows/link.ts'
import type { Candidate } from '../../flows/shadow.ts'
import { openFlowStore, revisionOf } from '../../flows/store.ts'

let dir = ''
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'flow-store-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const node = (id: string, more: object = {}) => ({ id, type: 'function', ...more })
const open = () => openFlowStore({ dir, first: () => [node('shipped')] })

describe('first start', () => {
  test('has the shipped flows as its first revision', () => {
    const store = open()
    expect(store.flows()).toEqual({ flows: [node('shipped')], rev: revisionOf([node('shipped')]) })
    expect(store.current()).toMatchObject({ by: 'system:shipped', proven: false })
  })
  test('leaves flows alone that are there', () => {
    open().save([node('mine')], 'user:a')
    expect(open().flows().flows).toEqual([node('mine')])
    expect(open().current().by).toBe('user:a')
  })
})

describe('putBack', () => {
  test('goes to the newest proven revision, with its credentials', () => {
    const store = open()
    store.saveCredentials({ $: 'good' })
    store.prove(store.save([node('good')], 'user:a').rev)
    store.saveCredentials({ $: 'changed' })
    store.save([node('bad1')], 'user:b')
    store.save([node('bad2')], 'user:b')
    const back = store.putBack()
    expect(back?.rev).toBe(revisionOf([node('good')]))
    expect(store.flows().flows).toEqual([node('good')])
    expect(store.credentials()).toEqual({ $: 'good' })
    expect(store.current().by).toMatch(/^system:put-back \(was [0-9a-f]{12} by user:b\)$/)
    expect(store.current().proven).toBe(true)
  })
  test('goes one back where nothing is proven yet', () => {
    const store = open()
    store.save([node('bad')], 'user:a')
    expect(store.putBack()?.rev).toBe(revisionOf([node('shipped')]))
  })
  test('has nowhere to go from the first', () => expect(open().putBack()).toBeNull())
})

test('counts what a deploy changes', () => {
  const store = open()
  store.save([node('a'), node('b')], 'user:a')
  expect(store.save([node('b', { func: 'x' }), node('c')], 'user:a')).toMatchObject({ added: 1, changed: 1, removed: 1 })
})

test('keeps 50 revisions and no more files than that', () => {
  const store = open()
  for (let i = 0; i < 60; i++) store.save([node(`n${i}`)], 'user:a')
  expect(readdirSync(join(dir, 'revisions'))).toHaveLength(50)
  expect((JSON.parse(readFileSync(join(dir, 'history.json'), 'utf8')) as unknown[]).length).toBe(50)
})

test('a damaged file is said by name, and not written over', () => {
  open()
  writeFileSync(join(dir, 'flows.json'), '[{"id"')
  expect(() => open().flows()).toThrow(FengsuiError)
  expect(() => open().flows()).toThrow(/flows\.json is not valid JSON/)
  expect(readFileSync(join(dir, 'flows.json'), 'utf8')).toBe('[{"id"')
})

describe('files of the tabs that people changed', () => {
  const tab = { id: 'pump', type: 'tab', label: 'pump' }
  const log: string[] = []
  const proposed: FlowNode[][] = []
  const start = async (approval: boolean) => {
    const store = open()
    await takeFound({
      store,
      approval,
      desk: {
        async check({ flows }) {
          const verdict = await createGate({}).judge(flows, store.flows().flows)
          return { ...verdict, reason: verdict.problems[0]?.en ?? null, changes: [] }
        },
        propose: async ({ flows }) => ({ proposed: proposed.push(flows) }),
      },
      shadow: { candidate: () => (proposed.length === 0 ? null : ({ flows: proposed.at(-1) } as Candidate)) },
      log: Object.fromEntries(
        ['error', 'warn', 'info', 'debug'].map(level => [level, (_: object, text: string) => log.push(text)]),
      ) as never,
    })
    return store
  }
  const file = () =>
    join(
      dir,
      'tabs',
      readdirSync(join(dir, 'tabs')).find(name => name.startsWith('tab-pump') && name.endsWith('.json'))!,
    )
  const edit = (from: string, to: string) => writeFileSync(file(), readFileSync(file(), 'utf8').replace(from, to))
  beforeEach(() => {
    log.length = proposed.length = 0
    open().save([tab, { id: 'a', type: 'comment', z: 'pump', name: 'before' }], 'user:a')
  })

  test('are in force after the next start, and nothing happens where nothing changed', async () => {
    expect((await start(false)).current().by).toBe('user:a')
    edit('"before"', '"after git"')
    const store = await start(false)
    expect([store.current().by, store.flows().flows[1]]).toEqual(['system:files', expect.objectContaining({ name: 'after git' })])
  })
  test('become the candidate where an approver is needed, once', async () => {
    edit('"before"', '"after git"')
    expect((await start(true)).current().by).toBe('user:a')
    await start(true)
    expect(proposed).toEqual([[tab, expect.objectContaining({ name: 'after git' })]])
  })
  test('with a conflict, or refused by the gate: said, and what was in force stays', async () => {
    edit('"comment"', '"fire-alert"')
    expect((await start(false)).current().by).toBe('user:a')
    writeFileSync(file(), `<<<<<<< ours\n${readFileSync(file(), 'utf8')}`)
    expect((await start(false)).current().by).toBe('user:a')
    expect(log).toEqual([expect.stringContaining('do not pass the gate'), expect.stringContaining('cannot be used')])
  })
})

// What a candidate leaves on disk can be torn or refused by the disk: the flows in force, and the process that keeps them, never suffer for it.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { systemClock, type Log } from '#contracts/clock.ts'
import { BOUNDS } from '../../flows/bounds.ts'
import type { Start } from '../../flows/link.ts'
import { openShadow, type Candidate } from '../../flows/shadow.ts'

const dirs: string[] = []
const freshDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'shadow-'))
  dirs.push(dir)
  return dir
}
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
})
const errors: string[] = []
const log: Log = { info: () => {}, debug: () => {}, warn: () => {}, error: (_fields: object, message: string) => void errors.push(message) }
/** nothing is started in these tests: there is no candidate that could be */
const open = (dir: string) => openShadow({ dir, start: {} as Start, bounds: { ...BOUNDS, heapMb: 64 }, clock: systemClock, log })
const CANDIDATE = { flows: [], rev: 'r2', by: 'wang', since: '2026-01-01T00:00:00.000Z', results: [], changes: [] } as unknown as Candidate

test('a candidate torn by a kill is put aside and said, and there is none', async () => {
  const dir = freshDir()
  writeFileSync(join(dir, 'candidate.json'), '{"flows":[{"id":')
  const shadow = open(dir)
  expect(shadow.candidate()).toBeNull()
  expect(existsSync(join(dir, 'candidate.json.broken'))).toBe(true)
  expect(errors.at(-1)).toContain('cannot be read')
  await shadow.close()
})

test('a candidate that the disk refuses is refused to who proposed it, and nothing has changed', async () => {
  const dir = freshDir()
  const shadow = open(dir)
  mkdirSync(join(dir, 'candidate.json.new')) // where it would be written first
  expect(() => shadow.begin(CANDIDATE)).toThrow(/EISDIR/)
  expect(shadow.candidate()).toBeNull()
  expect(existsSync(join(dir, 'candidate.json'))).toBe(false)
  await shadow.close()
})

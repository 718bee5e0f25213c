// The rules folder under a crash: at whatever step it stops, who reads then and who settles then see the old set or the new one, whole.
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  fileProblems,
  FILES_CHARS_MAX,
  FILES_MAX,
  fingerprintOf,
  readRuleFiles,
  settleRuleFolder,
  writeRuleFiles,
} from '../../rules/folder.ts'
import { watchRuleFolder } from '../../rules/watch.ts'
import { until } from '../system/running.ts'

const OLD = { 'a.yaml': 'old a', 'b.yaml': 'old b' }
const NEW = { 'b.yaml': 'new b', 'c.json': 'new c' }
let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rules-folder-'))
  await writeRuleFiles(dir, OLD)
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('what is written is what is read, and nothing else stays', async () => {
  await writeFile(join(dir, '.a.yaml.swp'), 'an editor left this')
  await writeRuleFiles(dir, NEW)
  expect(await readRuleFiles(dir)).toEqual(NEW)
  expect(await readdir(dir)).toEqual(['.a.yaml.swp', 'b.yaml', 'c.json'])
})

test.each([
  ['while the draft is written', async () => mkdir(join(dir, '.draft-1')).then(() => writeFile(join(dir, '.draft-1/b.yaml'), 'new')), OLD],
  ['when it is decided', () => decided(), NEW],
  ['when one file has moved', () => decided().then(() => cp(join(dir, '.next/b.yaml'), join(dir, 'b.yaml'))), NEW],
  ['when all have moved', () => decided().then(() => cp(join(dir, '.next'), dir, { recursive: true })), NEW],
])('a crash %s', async (_, crash, expected) => {
  await crash()
  expect(await readRuleFiles(dir)).toEqual(expected)
  await settleRuleFolder(dir)
  expect(await readRuleFiles(dir)).toEqual(expected)
  expect((await readdir(dir)).filter(name => name.startsWith('.'))).toEqual([])
})
async function decided(): Promise<void> {
  await mkdir(join(dir, '.next'))
  for (const [name, text] of Object.entries(NEW)) await writeFile(join(dir, '.next', name), text)
}

test('a folder that cannot be written is said to be, and stands as it was', async () => {
  await writeFile(join(dir, 'file'), '')
  await expect(writeRuleFiles(join(dir, 'file'), NEW)).rejects.toMatchObject({ code: 'rules-unwritable' })
  expect(await readRuleFiles(dir)).toEqual(OLD)
})

test('bounds: files, names, size', () => {
  const many = Object.fromEntries(Array.from({ length: FILES_MAX + 1 }, (_, i) => [`f${i}.yaml`, '']))
  expect(fileProblems(many)).toEqual([expect.stringContaining(`at most ${FILES_MAX}`)])
  expect(fileProblems({ 'a.yaml': 'x'.repeat(FILES_CHARS_MAX + 1) })).toEqual([expect.stringContaining(`at most ${FILES_CHARS_MAX}`)])
  expect(fileProblems({})).toHaveLength(1)
  for (const name of ['../x.yaml', 'x.yml.exe', '.x.yaml', 'a/b.json', '']) expect(fileProblems({ [name]: '' })).toHaveLength(1)
})

test('a watched folder is told of when it has come to rest, once a change, also where its own notices are missed', async () => {
  let changes = 0
  const watch = watchRuleFolder({ dir, changed: () => void changes++, seen: await fingerprintOf(dir), pollMs: 50, restMs: 20 })
  using _ = { [Symbol.dispose]: () => watch.close() }
  await writeFile(join(dir, 'd.yaml'), 'd')
  await until(async () => changes === 1, 60_000, 'a new file')
  await rm(dir, { recursive: true })
  await until(async () => changes === 2, 60_000, 'the folder is gone')
  // another folder in its place: its notices come from elsewhere
  await writeRuleFiles(dir, NEW)
  await until(async () => changes >= 3, 60_000, 'another folder')
})

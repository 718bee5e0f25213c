// The folder of a rule set: *.yaml and *.json files side by side. A whole set is written so that whoever reads the folder at any
// moment, also after a crash in the middle, reads the old set or the new one and never a mixture. It does not look into the files.
import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'

/** name -> text, in the order of their names */
export type RuleFiles = Record<string, string>

export const FILES_MAX = 500
export const FILES_CHARS_MAX = 2 * 1024 * 1024
const FILE = /\.(?:ya?ml|json)$/
const NAME = /^[A-Za-z0-9][\w.-]{0,99}\.(?:ya?ml|json)$/
/** a set on its way: complete as soon as it bears this name, and from then on the one that counts */
const NEXT = '.next'
const DRAFT = '.draft-'
/** a folder that changes while it is read is read again */
const READS_MAX = 5

/** What is wrong with the files as such: their number, names and size. */
export function fileProblems(files: RuleFiles): string[] {
  const names = Object.keys(files)
  const problems = names
    .filter(name => !NAME.test(name))
    .map(name => `${JSON.stringify(name)}: a rule file is called NAME.yaml or NAME.json`)
  if (names.length === 0) problems.push('no *.yaml or *.json file; a rule set is a folder of such files')
  if (names.length > FILES_MAX) problems.push(`${names.length} files; at most ${FILES_MAX} are allowed`)
  const chars = Object.values(files).reduce((sum, text) => sum + text.length, 0)
  if (chars > FILES_CHARS_MAX) problems.push(`${chars} characters; at most ${FILES_CHARS_MAX} are allowed in all files together`)
  return problems
}

/** @throws FengsuiError rules-invalid: no such folder, or no rule file in it */
export async function readRuleFiles(dir: string): Promise<RuleFiles> {
  try {
    for (let reads = 1; ; reads++) {
      const before = await fingerprintOf(dir)
      const files = await filesIn(await fromOf(dir)).catch(error => (reads < READS_MAX ? null : Promise.reject(error)))
      // somebody wrote meanwhile: half of it may have been read
      if (files === null || (before !== (await fingerprintOf(dir)) && reads < READS_MAX)) continue
      if (Object.keys(files).length === 0) throw new FengsuiError('rules-invalid', `${dir}: ${fileProblems({})[0]}`)
      return files
    }
  } catch (cause) {
    if (cause instanceof FengsuiError) throw cause
    throw new FengsuiError('rules-invalid', `${dir}: the rules folder cannot be read`, { cause })
  }
}

const fromOf = async (dir: string): Promise<string> => ((await isThere(join(dir, NEXT))) ? join(dir, NEXT) : dir)

async function filesIn(dir: string): Promise<RuleFiles> {
  const names = await ruleFilesIn(dir)
  const texts = await Promise.all(names.map(async name => textOf(name, await readFile(join(dir, name)))))
  return Object.fromEntries(names.map((name, i) => [name, texts[i] ?? '']))
}

/** Bytes of another encoding would become other words, and nobody would see it before an alarm says them. */
function textOf(name: string, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  const lines = bytes.toString('latin1').split('\n')
  const line = lines.findIndex(text => !isUtf8(Buffer.from(text, 'latin1'))) + 1
  throw new FengsuiError('rules-invalid', `the rule set cannot be used:\n${name}:${line}: not UTF-8; save the file as UTF-8`)
}

/** Puts these files in the place of those that are there. @throws FengsuiError rules-unwritable; the old set then stands as it was */
export async function writeRuleFiles(dir: string, files: RuleFiles): Promise<void> {
  try {
    await mkdir(dir, { recursive: true })
    await settleRuleFolder(dir)
    const draft = draftIn(dir)
    await mkdir(draft)
    for (const [name, text] of Object.entries(files)) await writeDurably(join(draft, name), text)
    await flush(draft)
    await rename(draft, join(dir, NEXT))
    await flush(dir)
  } catch (cause) {
    throw new FengsuiError('rules-unwritable', `${dir}: the rules cannot be written: ${(cause as Error).message}`, { cause })
  }
  // decided: what is not finished now is finished at the next start, and read as if it were until then
  await settleRuleFolder(dir).catch(() => undefined)
}

/** Finishes a change that was decided and not finished, and removes drafts that nobody decided on. Harmless at any time. */
export async function settleRuleFolder(dir: string): Promise<void> {
  const next = join(dir, NEXT)
  if (await isThere(next)) {
    const names = await ruleFilesIn(next)
    for (const name of names) {
      await copyFile(join(next, name), join(dir, `.${name}.tmp`))
      await rename(join(dir, `.${name}.tmp`), join(dir, name))
    }
    for (const name of await ruleFilesIn(dir)) if (!names.includes(name)) await rm(join(dir, name))
    await flush(dir)
    await rename(next, draftIn(dir))
  }
  for (const name of await readdir(dir)) if (name.startsWith(DRAFT)) await rm(join(dir, name), { recursive: true, force: true })
}

const draftIn = (dir: string): string => join(dir, DRAFT + randomBytes(4).toString('hex'))

/** What changes when the folder does: cheap enough to ask every second. */
export async function fingerprintOf(dir: string): Promise<string> {
  const from = await fromOf(dir)
  const names = await ruleFilesIn(from).catch(() => [])
  const each = await Promise.all(names.map(name => stat(join(from, name)).catch(() => null)))
  return each.map((file, i) => `${names[i]} ${file?.mtimeMs} ${file?.size} ${file?.ino}`).join('\n')
}

/** Dot files are no rules: editors and mounts leave them. */
const ruleFilesIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter(name => FILE.test(name) && !name.startsWith('.')).sort()

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx')
  await file.writeFile(text)
  await file.sync()
}

/** The names in a folder are on disk; some file systems know no such thing. */
async function flush(dir: string): Promise<void> {
  const folder = await open(dir, 'r').catch(() => null)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

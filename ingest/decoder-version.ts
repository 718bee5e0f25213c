// A name for the code that decoded something, which changes when that code changes: a hash over a decoder's own source, all of ours it
// imports and the versions of the packages it uses. So an entry in quarantine says truthfully what could not read it.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { findPackageJSON, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'

const CHARACTERS = 10
const CONTRACTS = join(import.meta.dirname, '../contracts')
const SCHEMAS = ['native-reading', 'native-status', 'native-about'].map(name => join(CONTRACTS, 'schema', `${name}.schema.json`))
const IMPORTED = /(?:^|\n)\s*(?:import|export)\b[^'"\n]*?from\s+['"]([^'"]+)['"]/g

/** read once a process: all decoders share most of it */
const texts = new Map<string, string>()
const versions = new Map<string, string>()

export function versionOf(file: string): string {
  const files = new Map<string, string>()
  const packages = new Set<string>()
  const visit = (path: string): void => {
    if (files.has(path)) return
    const text = texts.get(path) ?? readFileSync(path, 'utf8')
    texts.set(path, text)
    files.set(path, text)
    if (!path.endsWith('.ts')) return
    for (const [, specifier = ''] of text.matchAll(IMPORTED)) {
      if (specifier.startsWith('.')) visit(join(dirname(path), specifier))
      else if (specifier.startsWith('#contracts/')) visit(join(CONTRACTS, specifier.slice('#contracts/'.length)))
      else if (!isBuiltin(specifier)) packages.add(packageOf(specifier, path))
    }
  }
  visit(file)
  // read at run time, not imported
  if ([...files.keys()].some(path => path.endsWith(join('native', 'schema.ts')))) SCHEMAS.forEach(visit)
  return hashed([...[...files.values()].sort(), ...[...packages].sort()])
}

/** Of what no decoder claims: it would be read once there is another decoder, or another version of one. */
export const versionOfAll = (versions: readonly string[]): string => hashed([...versions].sort())

function packageOf(specifier: string, from: string): string {
  const known = versions.get(specifier)
  if (known !== undefined) return known
  const found = findPackageJSON(specifier, from)
  const { name, version } = found === undefined ? {} : (JSON.parse(readFileSync(found, 'utf8')) as { name?: string; version?: string })
  const own = `${name ?? specifier}@${version ?? ''}`
  versions.set(specifier, own)
  return own
}

function hashed(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(text).update('\0')
  return hash.digest('hex').slice(0, CHARACTERS)
}

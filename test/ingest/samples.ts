// The sample payloads under test/fixtures/<family>/sources.json, with what each must become.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Sample = {
  family: string
  file: string
  topic: string
  payload: Uint8Array
  receivedAtMs: number
  retain: boolean
  expect: Record<string, unknown>[]
  /** `kind deviceId` of the alarms it raises with the rules that ship, the samples before it having been sent; none where absent */
  raises: string[]
}

type Manifest = {
  family: string
  samples: { file: string; topic: string; receivedAt: string; retain?: unknown; expect: Sample['expect']; raises?: string[] }[]
}

const root = join(import.meta.dirname, '../fixtures')

export function samples(): Sample[] {
  const folders = readdirSync(root).filter(folder => existsSync(join(root, folder, 'sources.json')))
  return folders.flatMap(folder => {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'sources.json'), 'utf8')) as Manifest
    return manifest.samples.map(({ file, topic, receivedAt, retain, expect, raises = [] }): Sample => ({
      family: manifest.family,
      file,
      topic,
      payload: readFileSync(join(root, folder, file)),
      receivedAtMs: Date.parse(receivedAt),
      retain: retain === true,
      expect,
      raises,
    }))
  })
}

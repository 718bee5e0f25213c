// What a backup needs to know of the segments: which files there are, and which of them nobody will write again. Opens nothing.
import { basename } from 'node:path'
import { accompanied, listSegments } from './segments.ts'

/** `isFinal`: a plain file, never written again; else it must be read through SQLite. */
export type SegmentFile = { name: string; path: string; isFinal: boolean }

/** Oldest first; the newest is never final. */
export function segmentFiles(dir: string): SegmentFile[] {
  const segments = listSegments(dir)
  const open = new Set(segments.length === 0 ? [] : accompanied(dir))
  return segments.map(({ path }, i) => ({ name: basename(path), path, isFinal: i < segments.length - 1 && !open.has(path) }))
}

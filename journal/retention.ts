// Which segments may go: the oldest, whole ones only, by age or size, and never one that a needed consumer has not finished. It asks
// the cursors each time; where they cannot be read everything stays. Runs in the journal's thread, one segment a turn.
import { rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { cursorsIn } from './cursors.ts'
import { bytesOf, COMPANIONS, listSegments, syncFolder, type Segment } from './segments.ts'

export type RetentionOptions = { dir: string; keepMs: number; keepBytes: number; neededBy: readonly string[] }
/** `overdue`: would be gone by age or size, and stays only because `consumer` has not come so far. */
export type Kept = { oldest: number; bytes: number; removed: boolean; overdue: { bytes: number; consumer: string } | null }
type Sized = Segment & { lastSeq: number; bytes: number; endedAtMs: number }

/** Removes at most one segment, so that a commit waits for no more than that; call again while `removed`. */
export function tidy(o: RetentionOptions, nowMs: number): Kept {
  const segments = listSegments(o.dir)
  const all = segments.reduce((sum, { path }) => sum + sizeOf(path), 0)
  const due = dueOf(o, segments, all, nowMs)
  const [first] = due
  const floor = floorOf(o)
  const held = due.filter(({ lastSeq }) => lastSeq > floor.seq)
  const oldest = segments[0]?.firstSeq ?? 1
  const overdue = held.length === 0 ? null : { bytes: held.reduce((sum, { bytes }) => sum + bytes, 0), consumer: floor.consumer }
  if (first === undefined || first.lastSeq > floor.seq) return { oldest, bytes: all, removed: false, overdue }
  remove(first.path)
  return { oldest: first.lastSeq + 1, bytes: all - first.bytes, removed: true, overdue }
}

/** Oldest first; the newest never is. A segment ends when its file is put away, which is when it was last changed. */
function dueOf(o: RetentionOptions, segments: readonly Segment[], allBytes: number, nowMs: number): Sized[] {
  const due: Sized[] = []
  let left = allBytes
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1]
    if (next === undefined) break
    const bytes = sizeOf(segment.path)
    const endedAtMs = Math.max(...[segment.path, `${segment.path}-wal`].map(changedAtMs))
    if (left <= o.keepBytes && nowMs - endedAtMs <= o.keepMs) break
    due.push({ ...segment, lastSeq: next.firstSeq - 1, bytes, endedAtMs })
    left -= bytes
  }
  return due
}

const changedAtMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
const sizeOf = (path: string): number => bytesOf(path) + bytesOf(`${path}-wal`)

/** The seq up to which every needed consumer has finished, and the one that is furthest behind. */
function floorOf(o: RetentionOptions): { seq: number; consumer: string } {
  const cursors = cursorsIn(o.dir) // where nobody is known to have finished anything everything stays, and is reported as overdue
  let floor = { seq: Infinity, consumer: '' }
  for (const consumer of o.neededBy) {
    const seq = cursors.get(consumer) ?? 0
    if (seq < floor.seq) floor = { seq, consumer }
  }
  return floor
}

/** The file first: a WAL without its file is nothing, a file without its WAL may lack its end. A power cut undoes the last of several only. */
function remove(path: string): void {
  for (const end of ['', ...COMPANIONS]) rmSync(path + end, { force: true })
  syncFolder(dirname(path))
}

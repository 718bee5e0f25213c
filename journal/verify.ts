// Reads the whole journal and says whether every message is there and unchanged; names the first place where not.
// Never repairs: what to do about damage is a person's decision (restore, or accept the gap).
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { GROUP_COLUMNS, hasGroups, openForReading, reasonOf, refuseOldSqlite, type GroupRow } from './database.ts'
import { decodeGroup, unpackGroup } from './encoding.ts'
import type { Verdict } from './engine.ts'
import { bytesOf, listSegments, nameOf, OLD_FILE, type Segment } from './segments.ts'

export function verifyJournal(o: { dir: string }): Verdict {
  refuseOldSqlite()
  const segments = segmentsOf(o.dir)
  const oldest = segments[0]?.firstSeq ?? 1
  const verdict: Verdict = { ok: true, messages: 0, oldest, head: oldest - 1, segments: segments.length }
  for (const [i, segment] of segments.entries()) {
    try {
      if (segment.firstSeq !== verdict.head + 1) throw gap(verdict.head + 1, `segment ${nameOf(segment.path)}`, segment.firstSeq)
      walk(segment, i === segments.length - 1, verdict)
    } catch (error) {
      if (isRemoved(segment, i, verdict)) return verifyJournal(o)
      verdict.ok = false
      verdict.problem = `${nameOf(segment.path)} after message ${verdict.head}: ${reasonOf(error)}`
      break
    }
  }
  return verdict
}

/** A folder that was never opened since there are segments still has its one old file. */
function segmentsOf(dir: string): Segment[] {
  const old = join(dir, OLD_FILE)
  return [...(existsSync(old) ? [{ firstSeq: 1, path: old }] : []), ...listSegments(dir)]
}

/** Retention went on beside us: the journal begins later than it did. */
const isRemoved = (segment: Segment, index: number, { messages }: Verdict): boolean =>
  index === 0 && messages === 0 && !existsSync(segment.path)

function walk({ path }: Segment, isNewest: boolean, verdict: Verdict): void {
  const database = openForReading(path, !isNewest && bytesOf(`${path}-wal`) === 0)
  try {
    if (!hasGroups(database)) return
    for (const raw of database.prepare(`SELECT ${GROUP_COLUMNS} FROM groups ORDER BY first_seq`).iterate()) {
      const row = raw as GroupRow
      if (row.firstSeq !== verdict.head + 1) throw gap(verdict.head + 1, 'the next group', row.firstSeq)
      const messages: Message[] = []
      decodeGroup(row, unpackGroup(row), 0, row.count, messages)
      verdict.messages += messages.length
      verdict.head = row.lastSeq
    }
  } finally {
    database.close()
  }
}

const gap = (seq: number, what: string, firstSeq: number): FengsuiError =>
  new FengsuiError('journal-damaged', `message ${seq} is missing, ${what} begins at ${firstSeq}`)

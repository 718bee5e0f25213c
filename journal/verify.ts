// Reads the whole journal and says whether every message is there and unchanged; names the first place where not.
// Never repairs: what to do about damage is a person's decision (restore, or accept the gap).
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { GROUP_COLUMNS, JOURNAL_FILE, openForReading, reasonOf, refuseOldSqlite, type GroupRow } from './database.ts'
import { decodeGroup, unpackGroup } from './encoding.ts'

/** `messages` and `head` count what was found good before the problem. */
export type Verdict = { ok: boolean; messages: number; head: number; problem?: string }

export function verifyJournal(o: { dir: string }): Verdict {
  refuseOldSqlite()
  const path = join(o.dir, JOURNAL_FILE)
  const verdict: Verdict = { ok: true, messages: 0, head: 0 }
  if (!existsSync(path)) return verdict
  try {
    walk(path, verdict)
  } catch (error) {
    verdict.ok = false
    verdict.problem = `${JOURNAL_FILE} after message ${verdict.head}: ${reasonOf(error)}`
  }
  return verdict
}

function walk(path: string, verdict: Verdict): void {
  const database = openForReading(path)
  try {
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'groups'").get() === undefined) return
    for (const raw of database.prepare(`SELECT ${GROUP_COLUMNS} FROM groups ORDER BY first_seq`).iterate()) {
      const row = raw as GroupRow
      if (row.firstSeq !== verdict.head + 1)
        throw new FengsuiError('journal-damaged', `message ${verdict.head + 1} is missing, the next group begins at ${row.firstSeq}`)
      const messages: Message[] = []
      decodeGroup(row, unpackGroup(row), 0, row.count, messages)
      verdict.messages += messages.length
      verdict.head = row.lastSeq
    }
  } finally {
    database.close()
  }
}

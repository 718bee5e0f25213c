// `npm run verify`: checks every journal group's checksum and order, and the audit chain. Exit 1 and the place when broken.
import { join } from 'node:path'
import { verifyAuditFile } from '../dispatch/index.ts'
import { verifyJournal } from '../journal/index.ts'
import { readSettings } from '../settings.ts'

const dir = readSettings(process.env).dataDir
const journal = verifyJournal({ dir })
console.log(
  journal.ok
    ? `journal: ${journal.messages} messages (${journal.oldest} to ${journal.head}) in ${journal.segments} segments, all groups sound`
    : `journal: BROKEN, ${journal.problem}`,
)

const audit = verifyAuditFile({ file: join(dir, 'dispatch.db') })
console.log(audit.ok ? `audit: ${audit.entries} entries, chain sound` : `audit: BROKEN, ${audit.problem}`)
process.exit(journal.ok && audit.ok ? 0 : 1)

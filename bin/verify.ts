// `npm run verify`: checks every journal group's checksum and order, and the audit chain. Exit 1 and the place when broken.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch } from '../dispatch/index.ts'
import { verifyJournal } from '../journal/index.ts'
import { readSettings } from '../settings.ts'

const dir = readSettings(process.env).dataDir
const journal = verifyJournal({ dir })
console.log(
  journal.ok ? `journal: ${journal.messages} messages, head ${journal.head}, all groups sound` : `journal: BROKEN, ${journal.problem}`,
)

let auditOk = true
const file = join(dir, 'dispatch.db')
if (existsSync(file)) {
  const dispatch = openDispatch({ file, clock: systemClock, log: noLog, meter: noMeter })
  const audit = dispatch.verifyAudit()
  dispatch.close()
  auditOk = audit.ok
  console.log(audit.ok ? `audit: ${audit.entries} entries, chain sound` : `audit: BROKEN, ${audit.problem}`)
} else console.log('audit: nothing recorded yet')
process.exit(journal.ok && auditOk ? 0 : 1)

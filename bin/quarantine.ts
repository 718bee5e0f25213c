// `npm run admin -- quarantine ...`: looks into quarantine directly, whether the system runs or not; what changes something goes through
// the API of the running system, so that it takes the way of every message and stands in the audit trail.
import { readFileSync } from 'node:fs'
import { systemClock } from '#contracts/clock.ts'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import type { QuarantineEntry, QuarantineFilter, RedriveSummary } from '#contracts/quarantine.ts'
import { openAccounts } from '../dashboard/api/accounts.ts'
import { openQuarantine } from '../ingest/quarantine.ts'
import type { Settings } from '../settings.ts'

export const QUARANTINE_USAGE = `  quarantine list [--code C] [--source door|decoder|store] [--disposition D] [--topic-prefix T] [--device ID] [--from T] [--to T] [--limit N]
  quarantine show ID                 (with its bytes, as text and in hex)
  quarantine redrive ID [--payload-file FILE] [--topic T] [--force]
  quarantine redrive [--code C] [--topic-prefix T] [--device ID] [--from T] [--to T] [--limit N]   (everything held that fits, oldest first)
  quarantine discard ID`

type Options = Partial<
  Record<'code' | 'source' | 'disposition' | 'topic' | 'topic-prefix' | 'device' | 'from' | 'to' | 'limit' | 'payload-file', string>
> & { force?: boolean }

const LISTED = 100
const ANSWER_WITHIN_MS = 60_000
const print = (value: unknown) => console.log(JSON.stringify(value))

export async function quarantine(settings: Settings, verb: string | undefined, id: string | undefined, options: Options): Promise<void> {
  if (verb === 'list') return list(settings, options)
  if (verb === 'show' && id !== undefined) return show(settings, id)
  if (verb === 'redrive' && id !== undefined) {
    const payload = options['payload-file'] === undefined ? {} : { payloadBase64: readFileSync(options['payload-file']).toString('base64') }
    const topic = options.topic === undefined ? {} : { topic: options.topic }
    return print(await asked(settings, `${encodeURIComponent(id)}/redrive`, { ...payload, ...topic, force: options.force === true }))
  }
  if (verb === 'redrive') {
    const { limit } = options
    const summary = (await asked(settings, 'redrive', {
      ...filterOf(options),
      ...(limit !== undefined && { limit: Number(limit) }),
    })) as RedriveSummary
    print({ ...summary, redriven: summary.redriven.length })
    return
  }
  if (verb === 'discard' && id !== undefined) return print(await asked(settings, `${encodeURIComponent(id)}/discard`, {}))
  throw new FengsuiError('invalid-request', `quarantine ${verb ?? ''}\n${QUARANTINE_USAGE}`)
}

function filterOf(o: Options): QuarantineFilter {
  const given = { code: o.code, source: o.source, topic: o['topic-prefix'], device: o.device, from: o.from, to: o.to }
  for (const name of ['from', 'to'] as const) {
    if (given[name] !== undefined && Number.isNaN(Date.parse(given[name])))
      throw new FengsuiError('invalid-request', `--${name} '${given[name]}' is no time such as 2026-07-22T22:40:00+08:00`)
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as QuarantineFilter
}

function list({ dataDir: dir }: Settings, options: Options): void {
  using kept = openQuarantine({ dir })
  const disposition = options.disposition === undefined ? {} : { disposition: options.disposition as QuarantineEntry['disposition'] }
  const { entries, total } = kept.list({ ...filterOf(options), ...disposition, limit: Number(options.limit ?? LISTED) })
  for (const { payloadBase64: _bytes, ...entry } of entries) print(entry)
  if (total > entries.length) console.error(`${total - entries.length} more`)
}

function show({ dataDir: dir }: Settings, id: string): void {
  using kept = openQuarantine({ dir })
  const entry = kept.get(id)
  if (entry === undefined) throw new FengsuiError('not-found', `there is no quarantine entry ${id}`)
  const { payloadBase64 = '', ...rest } = entry
  const bytes = Buffer.from(payloadBase64, 'base64')
  print({ ...rest, payload: bytes.toString('utf8'), payloadHex: bytes.toString('hex') })
}

/** Whoever may write the data folder may do this: a token is made for one request and revoked after it. */
async function asked({ dataDir: dir, host, httpPort }: Settings, path: string, body: object): Promise<unknown> {
  using stack = new DisposableStack()
  const accounts = stack.adopt(openAccounts({ dir, clock: systemClock }), a => a.close())
  const name = `command-line-${process.pid}`
  const { token } = accounts.issueToken(name, ['quarantine:write'])
  stack.defer(() => void accounts.revokeToken(name))
  const at = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const url = `http://${at.includes(':') ? `[${at}]` : at}:${httpPort}/api/v1/quarantine/${path}`
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch((cause: unknown) => {
    throw new FengsuiError('room-unavailable', `${url} does not answer: the system must be running for this`, { cause })
  })
  const said = (await answer.json()) as { code?: ErrorCode; message?: string }
  if (answer.ok) return said
  throw new FengsuiError(said.code ?? 'internal', said.message ?? String(answer.status))
}

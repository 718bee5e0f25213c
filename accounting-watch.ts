// Puts the whole account together once a second: what the store says it has finished with, what the journal has accepted, how far the
// readers are. It corrects nothing: where figures do not add up or are old, it says so on /readyz, in the metrics and in the report.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { differenceOf, OUTCOMES, type Account, type AccountingReport, type ReaderLag } from '#contracts/accounting.ts'
import type { Clock } from '#contracts/clock.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'

export type AccountingWatchParts = {
  /** the store process */
  account(): Promise<Account>
  reader: { head(): number; read(afterSeq: number, maxMessages: number): Message[] }
  rulesPosition(): number
  gaps(topMax: number): AccountingReport['gaps']
  quarantine: { waiting(): { rows: number; open: number } }
  /** where the journal's files lie */
  dir: string
  clock: Clock
  meter: Meter
}

export type AccountingWatch = { report(): AccountingReport; line(): RoomHealth; close(): void }

const EVERY_MS = 1000
/** devices with gaps named in the report */
const GAPS_NAMED_MAX = 100

export function watchAccounting(parts: AccountingWatchParts): AccountingWatch {
  const { reader, clock, meter } = parts
  let last: { account: Account; atMs: number } | undefined
  let isKnown = false
  let isAsking = false
  let closed = false
  let accepted = 0
  let isReadable = true

  /** A journal that cannot be read is named by the room `journal`; here its last known head is an old figure like any other. */
  function headNow(): number {
    try {
      accepted = reader.head()
      isReadable = true
    } catch {
      isReadable = false
    }
    return accepted
  }

  async function ask(): Promise<void> {
    if (isAsking || closed) return
    isAsking = true
    try {
      last = { account: await parts.account(), atMs: clock.nowMs() }
      isKnown = true
    } catch {
      // whoever does not answer is named by the room `ingest`; here the figures are old, and say so
      isKnown = false
    }
    isAsking = false
    if (!closed) measure()
  }

  function measure(): void {
    const { missing } = parts.gaps(0)
    meter.gauge('fengsui_device_gap_messages', missing)
    if (last === undefined) return
    const own = balanceOf(last.account, headNow())
    for (const outcome of OUTCOMES) meter.gauge('fengsui_account_messages', own.counts[outcome], { outcome })
    meter.gauge('fengsui_account_messages', own.inFlight, { outcome: 'in-flight' })
    meter.gauge('fengsui_account_unbalanced', Math.abs(own.difference))
    meter.gauge('fengsui_account_age_seconds', (clock.nowMs() - last.atMs) / 1000)
  }

  const timer = setInterval(() => void ask(), EVERY_MS)
  void ask()
  return {
    report() {
      headNow()
      const { rows, open } = parts.quarantine.waiting()
      return {
        at: new Date(clock.nowMs()).toISOString(),
        known: isKnown && isReadable,
        ...(last !== undefined && { asOf: new Date(last.atMs).toISOString(), account: balanceOf(last.account, accepted) }),
        accepted,
        readers: [
          lagOf('rules', parts.rulesPosition(), accepted, reader),
          ...(last === undefined ? [] : [lagOf('store', last.account.position, accepted, reader)]),
        ],
        journal: journalFiles(parts.dir),
        gaps: parts.gaps(GAPS_NAMED_MAX),
        quarantine: { rows, open },
      }
    },
    line() {
      if (last === undefined) return { room: 'accounting', ok: false, detail: 'unknown: the store has not answered yet' }
      const own = balanceOf(last.account, headNow())
      if (!own.balanced) return { room: 'accounting', ok: false, troubles: ['unbalanced'], detail: `${inWords(own)}: ${imbalanceOf(own)}` }
      if (isKnown && isReadable) return { room: 'accounting', ok: true, detail: inWords(own) }
      const age = Math.round((clock.nowMs() - last.atMs) / 1000)
      return {
        room: 'accounting',
        ok: false,
        detail: `unknown for ${age} s, ${isReadable ? 'the store does not answer' : 'the journal cannot be read'}; before that ${inWords(own)}`,
      }
    },
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}

type Balance = NonNullable<AccountingReport['account']>

/** The position was asked for before the head was read, so a good account never ends behind the journal. */
export function balanceOf(account: Account, accepted: number): Balance {
  const inFlight = accepted - account.position
  const difference = differenceOf(account)
  return { ...account, inFlight, difference, balanced: difference === 0 && inFlight >= 0 }
}

const imbalanceOf = ({ difference, inFlight, position }: Balance): string =>
  difference === 0
    ? `the store is at ${position}, ${-inFlight} messages beyond the end of the journal`
    : `${Math.abs(difference)} messages ${difference > 0 ? 'counted that were not there' : 'without an outcome'}`

function inWords({ since, counts, inFlight, position }: Balance): string {
  const outcomes = OUTCOMES.filter(outcome => outcome !== 'passed-over' || counts[outcome] > 0).map(o => `${counts[o]} ${o}`)
  const before = since === 0 ? '' : `${since} before counting began + `
  return `${position + inFlight} accepted = ${before}${outcomes.join(' + ')} + ${inFlight} in flight`
}

function lagOf(name: string, position: number, accepted: number, reader: AccountingWatchParts['reader']): ReaderLag {
  const lag = Math.max(0, accepted - position)
  const oldest = lag === 0 ? undefined : firstAfter(position, reader)
  return { reader: name, position, lag, ...(oldest !== undefined && { oldestReceivedAt: new Date(oldest.receivedAtMs).toISOString() }) }
}

/** undefined where it cannot be read: a damaged group has no age. */
function firstAfter(position: number, reader: AccountingWatchParts['reader']): Message | undefined {
  try {
    return reader.read(position, 1)[0]
  } catch {
    return undefined
  }
}

/** Everything in the data folder whose name begins with `journal`. */
export function journalFiles(dir: string): { files: number; bytes: number } {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(name => name.startsWith('journal'))
  const sizes = names.flatMap(name => {
    const found = statSync(join(dir, name), { throwIfNoEntry: false })
    return found?.isFile() === true ? [found.size] : []
  })
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

// The way out of quarantine: a kept message is sent through again, corrected where a person corrected it, or put away. It is a new
// message of the journal that says which entry it comes from and carries the time at which the door first received it, so that an
// old event stays old: its readings keep their time, and an alarm in it is raised late, not now.
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage, Message } from '#contracts/message.ts'
import type { QuarantineEntry, QuarantineFilter, RedriveSummary } from '#contracts/quarantine.ts'
import { REDRIVE_CLIENT } from '#contracts/topic.ts'
import type { Quarantine } from './quarantine.ts'

/** entries sent through at once of a whole filter; ask again for the rest */
export const REDRIVE_MAX = 1_000
/** entries looked at for them: those that hold no whole message are passed by */
const LOOKED_AT_MAX = 10_000
/** appended side by side, so that they share commits */
const TOGETHER = 50
const FAILURES_TOLD_MAX = 100

export type RedriveParts = {
  quarantine: Pick<Quarantine, 'get' | 'page' | 'count' | 'newestPlace' | 'mark'>
  /** the journal's own message, while it is kept; undefined when it is not, or cannot be read */
  original(seq: number): Message | undefined
  /** resolves when it is on disk */
  append(message: InboundMessage): Promise<void>
}
/** `payload` and `topic` replace what was kept; `force` sends again what was re-driven, discarded or used in spite of its note */
export type RedriveOptions = { by: string; payload?: Uint8Array; topic?: string; force?: boolean }

export type Redrive = {
  /** @throws FengsuiError not-found, conflict, journal-unavailable */
  one(id: string, o: RedriveOptions): Promise<QuarantineEntry>
  /** What is held and fits, oldest first, none that came behind the place `upTo`; now where it is not given. Stops at the first message that the journal does not take. */
  all(filter: QuarantineFilter, o: { by: string; limit: number; upTo?: number }): Promise<RedriveSummary>
  /** @throws FengsuiError not-found, conflict */
  discard(id: string, o: { by: string }): QuarantineEntry
  /** all bytes of an entry, out of the journal where quarantine holds only the beginning; undefined when they are gone */
  bytes(entry: QuarantineEntry): Uint8Array | undefined
}

/** The entry a re-driven message comes from. */
export const redriveOfClient = (clientId: string): string | undefined =>
  clientId.startsWith(REDRIVE_CLIENT) ? clientId.slice(REDRIVE_CLIENT.length).replace(/#\d+(\+edited)?$/, '') : undefined

export function createRedrive({ quarantine, original, append }: RedriveParts): Redrive {
  const entryOf = (id: string): QuarantineEntry => {
    const entry = quarantine.get(id)
    if (entry === undefined) throw new FengsuiError('not-found', `there is no quarantine entry ${id}`)
    return entry
  }
  const originalOf = ({ seq, topic, source, code }: QuarantineEntry): Message | undefined => {
    if (seq === undefined || source === 'door' || code === 'journal-damaged') return undefined
    const found = original(seq)
    return found?.seq === seq && found.topic === topic ? found : undefined
  }
  const wholeOf = (entry: QuarantineEntry, message: Message | undefined): Uint8Array | undefined => {
    if (message !== undefined) return message.payload
    // what the store refused is kept as the reading it was, which no device ever sent
    if (entry.payloadBase64 === undefined || entry.source === 'store') return undefined
    const kept = Buffer.from(entry.payloadBase64, 'base64')
    return kept.byteLength === entry.bytes ? kept : undefined
  }

  function messageOf(entry: QuarantineEntry, o: RedriveOptions): InboundMessage {
    if (entry.source === 'door')
      throw new FengsuiError('conflict', `${entry.id} was refused at the door and never acknowledged: its sender still has it`)
    const message = originalOf(entry)
    const payload = o.payload ?? wholeOf(entry, message)
    const topic = o.topic ?? entry.topic
    if (payload === undefined || topic === undefined)
      throw new FengsuiError(
        'conflict',
        `${entry.id} has no bytes to send: quarantine holds none or only a part, and the journal has removed it`,
      )
    const isEdited = o.payload !== undefined || o.topic !== undefined
    return {
      receivedAtMs: message?.receivedAtMs ?? Date.parse(entry.firstAt),
      identity: entry.identity ?? 'unknown',
      clientId: `${REDRIVE_CLIENT}${entry.id}#${(entry.redrives ?? 0) + 1}${isEdited ? '+edited' : ''}`,
      topic,
      qos: 1,
      retain: false,
      dup: false,
      payload,
    }
  }

  /** Marked after the journal has it: a crash in between sends the same try again, which is then a repeat. */
  async function send(entry: QuarantineEntry, o: RedriveOptions): Promise<void> {
    if (entry.disposition !== 'held' && o.force !== true) {
      const when = entry.settledAt === undefined ? '' : ` by ${entry.settledBy ?? 'somebody'} at ${entry.settledAt}`
      throw new FengsuiError('conflict', `${entry.id} is ${entry.disposition}${when}: sending it again needs force`)
    }
    await append(messageOf(entry, o))
    quarantine.mark(entry.id, 'redriven', o.by)
  }

  return {
    async one(id, o) {
      await send(entryOf(id), o)
      return entryOf(id)
    },
    // what is unmended comes back as an entry of its own, perhaps while others are still sent: it is for the next time
    async all(filter, { by, limit, upTo: upToPlace = quarantine.newestPlace() }) {
      const wanted = { ...filter, disposition: 'held' as const }
      const summary: RedriveSummary = { redriven: [], failed: [], remaining: 0, upTo: upToPlace }
      let afterPlace = 0
      let isStopped = false
      for (let looked = 0; looked < LOOKED_AT_MAX && summary.redriven.length < limit && !isStopped;) {
        const page = quarantine.page({ ...wanted, afterPlace, upToPlace, limit: Math.min(TOGETHER, limit - summary.redriven.length) })
        if (page.length === 0) break
        looked += page.length
        afterPlace = page.at(-1)?.place ?? afterPlace
        const results = await Promise.allSettled(page.map(({ entry }) => send(entry, { by })))
        for (const [i, result] of results.entries()) {
          const id = page[i]?.entry.id ?? ''
          if (result.status === 'fulfilled') summary.redriven.push(id)
          else {
            if (summary.failed.length < FAILURES_TOLD_MAX) summary.failed.push({ id, reason: (result.reason as Error).message })
            isStopped ||= !(result.reason instanceof FengsuiError && result.reason.code === 'conflict')
          }
        }
      }
      summary.remaining = quarantine.count({ ...wanted, upToPlace })
      return summary
    },
    discard(id, { by }) {
      const entry = entryOf(id)
      if (entry.disposition === 'discarded')
        throw new FengsuiError('conflict', `${id} was discarded by ${entry.settledBy ?? 'somebody'} already`)
      if (entry.disposition === 'redriven')
        throw new FengsuiError('conflict', `${id} was re-driven by ${entry.settledBy ?? 'somebody'} already: nothing is left to put away`)
      quarantine.mark(id, 'discarded', by)
      return entryOf(id)
    },
    bytes: entry =>
      wholeOf(entry, originalOf(entry)) ??
      (entry.source === 'store' && entry.payloadBase64 !== undefined ? Buffer.from(entry.payloadBase64, 'base64') : undefined),
  }
}

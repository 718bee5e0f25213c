// What one family has learned: a small key-value store with a bound, folded deterministically from the journal.
// It never forgets by time. Rows carry the order in which keys were learned, so that a restart evicts as a replay would.
import type { DecoderMemory, Json } from './decoder.ts'

/** Entries a family may keep; learning one more forgets the entry that was learned (or changed) longest ago. */
export const MEMORY_ENTRIES_MAX = 50_000
/** Longer values are not remembered: the decoder then answers as if it had never learned them. */
export const MEMORY_VALUE_CHARS_MAX = 4_096
const KEY_CHARS_MAX = 512

/** What was learned, frozen: whoever reads it gets the thing itself. Its JSON is what says whether something has changed. */
type Entry = { order: number; json: string; value: Json | undefined }
type Row = [key: string, json: string]

export type Memory = DecoderMemory & {
  /** key and JSON of every entry changed since the last call, or of all; null = forgotten */
  dirty(isFull?: boolean): [string, string | null][]
  size(): number
}

/** `rows` are what earlier dirty() calls gave, in any order. Unreadable rows throw: half a memory would decode differently. */
export function createMemory(o: { rows?: Iterable<Row>; entriesMax?: number } = {}): Memory {
  const entriesMax = o.entriesMax ?? MEMORY_ENTRIES_MAX
  const loaded = [...(o.rows ?? [])].map(([key, json]): [string, Entry] => {
    const [order, value] = JSON.parse(json) as [number, Json]
    return [key, { order, json: JSON.stringify(value), value: undefined }]
  })
  const entries = new Map(loaded.sort((a, b) => a[1].order - b[1].order))
  // keys that stand in storage: only their forgetting must be told, so that what is never told stays bounded too
  const stored = new Set(entries.keys())
  const changed = new Set<string>()
  let nextOrder = loaded.reduce((top, [, entry]) => Math.max(top, entry.order), 0) + 1

  const forget = (key: string): void => {
    if (!entries.delete(key)) return
    if (stored.has(key)) changed.add(key)
    else changed.delete(key)
  }
  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      // read again from its JSON: what was handed in may be changed by who handed it in
      return (entry.value ??= frozen(JSON.parse(entry.json) as Json))
    },
    set(key, value) {
      const json = JSON.stringify(value)
      if (key.length > KEY_CHARS_MAX || json.length > MEMORY_VALUE_CHARS_MAX) return forget(key)
      if (entries.get(key)?.json === json) return
      entries.delete(key)
      entries.set(key, { order: nextOrder++, json, value: isFlat(value) ? frozen({ ...value }) : undefined })
      changed.add(key)
      if (entries.size > entriesMax) forget(entries.keys().next().value ?? key)
    },
    delete: forget,
    dirty(isFull = false) {
      const rows = [...(isFull ? entries.keys() : changed)].map((key): [string, string | null] => {
        const entry = entries.get(key)
        if (entry === undefined) stored.delete(key)
        else stored.add(key)
        return [key, entry === undefined ? null : `[${entry.order},${entry.json}]`]
      })
      changed.clear()
      return rows
    },
    size: () => entries.size,
  }
}

/** An object of texts, numbers and booleans: a copy of it is as good as reading its JSON. */
function isFlat(value: Json): value is { [key: string]: Json } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  for (const key in value) {
    const one = value[key]
    // what JSON leaves out or changes must not be there either
    if (one === undefined || (typeof one === 'object' && one !== null) || (typeof one === 'number' && !Number.isFinite(one))) return false
  }
  return true
}

function frozen(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  for (const one of Object.values(value)) frozen(one)
  Object.freeze(value)
  return value
}

// All decoders behind one door: finds the one for a message, hands it its memory, and answers for it when it breaks.
// It decides nothing about alarms. What decoders have learned leaves through dirty(), to be stored with the journal position.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FengsuiError } from '#contracts/errors.ts'
import type { Decoded } from '#contracts/reading.ts'
import type { StateRows } from '#contracts/state-rows.ts'
import { BRIDGE_CLIENT } from '#contracts/topic.ts'
import { DEFAULT_TIME_ZONE, openZone } from '#contracts/zone.ts'
import { rejected, type Decoder, type DecodeInput } from './decoder.ts'
import { versionOf, versionOfAll } from './decoder-version.ts'
import { withinDistrict, type District } from './district.ts'
import { createMemory, type Memory } from './memory.ts'

/** Whose a topic is, is asked of every decoder once and then remembered; at the bound remembering begins anew. Long ones are asked each time. */
const TOPICS_REMEMBERED_MAX = 50_000
const TOPIC_CHARS_REMEMBERED_MAX = 256

export type Catalogue = {
  /** `decoder` = family and version of what read it, or of all that did not: see decoder-version.ts */
  decode(m: DecodeInput): Decoded & { family: string | null; decoder: string }
  /** may these bytes carry an active alarm? true where the family does not say */
  mayCarryAlarm(m: Pick<DecodeInput, 'topic' | 'payload' | 'family'>): boolean
  /** what decoders learned since the last call, key = family/key */
  /** what has been learned since the last call, or all of it */
  dirty(isFull?: boolean): StateRows
  /** forgets everything and takes these rows instead */
  restore(rows: Iterable<[string, string]>): void
}

/**
 * Every decoders/*.ts except names with a leading underscore; the file's name is the family.
 * @throws FengsuiError process-start-failed: a file without a decoder, with another family's name, or of a family that is there already
 */
export async function loadDecoders(folder = join(import.meta.dirname, 'decoders')): Promise<Decoder[]> {
  const files = (await readdir(folder)).filter(file => /^[^_.].*\.ts$/.test(file)).sort()
  const decoders: Decoder[] = []
  for (const file of files) {
    const { decoder } = (await import(pathToFileURL(join(folder, file)).href)) as { decoder?: Decoder }
    if (decoder === undefined) throw new FengsuiError('process-start-failed', `${file} exports no \`decoder\``)
    if (decoders.some(other => other.family === decoder.family))
      throw new FengsuiError('process-start-failed', `${file}: there is a decoder of the family ${decoder.family} already`)
    if (decoder.family !== file.slice(0, -'.ts'.length))
      throw new FengsuiError('process-start-failed', `${file}: its family is ${decoder.family}, which must be the file's name`)
    decoders.push({ ...decoder, version: versionOf(join(folder, file)) })
  }
  return decoders
}

/**
 * `rows` are what dirty() gave. One catalogue belongs to one reader of the journal: two readers are at two places. Without a `district`
 * every place on earth is taken.
 */
export function createCatalogue(o: {
  decoders: Decoder[]
  rows?: Iterable<[string, string]>
  district?: District | undefined
  timeZone?: string
}): Catalogue {
  const zone = openZone(o.timeZone ?? DEFAULT_TIME_ZONE)
  let { memories, strange } = memoriesFrom(o.decoders, o.rows ?? [])

  const names = new Map(o.decoders.map(({ family, version }) => [family, `${family}@${version ?? 'unknown'}`]))
  const nobody = `none@${versionOfAll([...names.values()])}`

  const knowing = o.decoders.filter(decoder => decoder.knows !== undefined)
  const claimed = new Map<string, Decoder | undefined>()
  const claimantOf = (topic: string): Decoder | undefined => {
    const known = claimed.get(topic)
    if (known !== undefined || claimed.has(topic)) return known
    const found = o.decoders.find(decoder => decoder.claims(topic))
    if (topic.length > TOPIC_CHARS_REMEMBERED_MAX) return found
    if (claimed.size >= TOPICS_REMEMBERED_MAX) claimed.clear()
    claimed.set(topic, found)
    return found
  }
  // our own devices are most, and each has topics of its own: asking costs less than remembering
  const own = o.decoders.find(({ family }) => family === 'native')
  const decoderFor = ({ topic, family }: Pick<DecodeInput, 'topic' | 'family'>): Decoder | undefined => {
    if (family !== undefined) return o.decoders.find(decoder => decoder.family === family)
    return own?.claims(topic) === true ? own : claimantOf(topic)
  }

  return {
    decode(m) {
      const decoder = decoderFor(m) ?? knowing.find(one => m.family === undefined && one.knows?.(m.topic, memoryOf(memories, one)) === true)
      if (decoder === undefined) return { ...unknown(m), family: null, decoder: nobody }
      const { family } = decoder
      const name = names.get(family) ?? nobody
      try {
        const read = withRetained(decoder.decode(m, memoryOf(memories, decoder), zone), m)
        const placed = o.district === undefined ? read : withinDistrict(read, o.district, memoryOf(memories, PLACES))
        const decoded = placed as Decoded & { family: string; decoder: string }
        // made for this message alone: named in place, since a copy for each costs more than finding the decoder
        decoded.family = family
        decoded.decoder = name
        return decoded
      } catch (error) {
        // a broken decoder must not stop the messages behind this one; the bytes are held for a re-drive
        const reason = `the ${family} decoder broke: ${error instanceof Error ? error.message : String(error)}`
        return { ...rejected('decoder-failed', reason), family, decoder: name }
      }
    },
    mayCarryAlarm(m) {
      return decoderFor(m)?.mayCarryAlarm?.(m.payload) ?? true
    },
    dirty: (isFull = false) => [
      ...(isFull ? strange : []),
      ...[...memories].flatMap(([family, memory]) =>
        memory.dirty(isFull).map(([key, json]): StateRows[number] => [`${family}/${key}`, json]),
      ),
    ],
    restore(rows) {
      ;({ memories, strange } = memoriesFrom(o.decoders, rows))
    },
  }
}

/** What a bridge of ours took out of another broker's store is not news, whatever the family. */
function withRetained(decoded: Decoded, { retain, clientId }: DecodeInput): Decoded {
  if (!retain || clientId?.startsWith(BRIDGE_CLIENT) !== true || decoded.readings.length === 0) return decoded
  return { ...decoded, readings: decoded.readings.map(reading => ({ ...reading, flags: { ...reading.flags, retained: true } })) }
}

function unknown({ topic, family }: DecodeInput): Decoded {
  if (family !== undefined) return rejected('unknown-topic', `there is no decoder of the family ${family.slice(0, 64)}`, 'family')
  return rejected('unknown-topic', `no decoder claims the topic ${topic.slice(0, 256)}`, 'topic')
}

/** where devices were last said to be that cannot be there; no decoder is called so */
const PLACES = { family: '_places' }

function memoryOf(memories: Map<string, Memory>, { family }: Pick<Decoder, 'family'>): Memory {
  const known = memories.get(family)
  if (known !== undefined) return known
  const memory = createMemory()
  memories.set(family, memory)
  return memory
}

/** `strange`: rows of a family whose decoder is gone; they are handed on, since it may come back. */
function memoriesFrom(decoders: Decoder[], rows: Iterable<[string, string]>): { memories: Map<string, Memory>; strange: StateRows } {
  const byFamily = new Map<string, [string, string][]>([...decoders, PLACES].map(({ family }) => [family, []]))
  const strange: StateRows = []
  for (const [key, json] of rows) {
    const slash = key.indexOf('/')
    const own = byFamily.get(key.slice(0, slash))
    if (own === undefined) strange.push([key, json])
    else own.push([key.slice(slash + 1), json])
  }
  return { memories: new Map([...byFamily].map(([family, own]) => [family, createMemory({ rows: own })])), strange }
}

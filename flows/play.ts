// Plays stories to flows that are tried: lines of JSON in, one reading after the other into the nodes that read, each finished before the next. Lines are
// understood many at a time, since objects of one shape in one list cost half of what each costs alone.
import type { FlowNode } from './link.ts'
import type { FeedReading, FeedTick } from './nodes/lib/feed.ts'
import type { Tap } from './nodes/lib/red.ts'
import type { TrialLine } from './trials.ts'

type Entry = FeedReading | FeedTick
type Order = Exclude<TrialLine, Entry>
export type Playing = {
  lines: AsyncIterable<string>
  taps(): readonly Tap[]
  /** begins a story: from here on these flows hear */
  begin(name: string, flows: FlowNode[]): Promise<void>
  end(readings: number): void
  late(): void
}

export async function play(o: Playing): Promise<void> {
  let readings = 0
  const heard = (entry: Entry, first = 0): Promise<void> | undefined => {
    const taps = o.taps()
    for (let i = first; i < taps.length; i++) {
      const tap = taps[i]!
      const outcome = wants(tap, entry) ? tap.deliver(entry) : undefined
      if (outcome === undefined) continue
      return outcome.then(how => {
        if (how === 'late') o.late()
        return heard(entry, i + 1)
      })
    }
    return undefined
  }
  /** Most readings are finished at once, and waiting for each would cost as much again. */
  async function all(lines: string[]): Promise<void> {
    for (const entry of JSON.parse(`[${lines.join(',')}]`) as Entry[]) {
      const doing = heard(entry)
      if (doing !== undefined) await doing
    }
  }
  async function told(order: Order): Promise<void> {
    if ('end' in order) return o.end(readings)
    readings = 0
    await o.begin(order.play.name, order.play.flows)
  }
  let rest = ''
  for await (const chunk of o.lines) {
    const text = rest + chunk
    let waiting: string[] = []
    let from = 0
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      const line = text.slice(from, at)
      from = at + 1
      if (!line.startsWith('{"off"')) {
        await all(waiting)
        waiting = []
        if (line !== '') await told(JSON.parse(line) as Order)
        continue
      }
      const isReading = line.includes('"kind":')
      if (isReading) readings++
      if (!isReading || !isForNobody(line, o.taps())) waiting.push(line)
    }
    await all(waiting)
    rest = text.slice(from)
  }
}

/** A reading of a kind that no fire-reading wants need not be understood: most of what a district says is of other kinds. */
function isForNobody(line: string, taps: readonly Tap[]): boolean {
  for (const tap of taps) {
    const { marks } = filterOf(tap)
    if (marks === null) return false
    for (const mark of marks) if (line.includes(mark)) return false
  }
  return true
}

/** `marks`: one of them stands in the line of every reading that is wanted */
type Filter = { kinds: Set<string> | null; areas: Set<string> | null; marks: string[] | null }
const filters = new WeakMap<Tap, Filter>()
function filterOf(tap: Tap): Filter {
  let filter = filters.get(tap)
  if (filter === undefined) {
    const set = (list: string) => (list === '' ? null : new Set(list.split(',')))
    const kinds = set(tap.kinds)
    const marks = kinds === null ? null : [...kinds].map(kind => `"kind":"${kind}"`)
    filters.set(tap, (filter = { kinds, areas: set(tap.areas), marks }))
  }
  return filter
}

function wants(tap: Tap, entry: Entry): boolean {
  if (!('deviceId' in entry)) return tap.ticks
  const { kinds, areas } = filterOf(tap)
  return (kinds?.has(entry.kind) ?? true) && (areas?.has(entry.place?.area ?? '') ?? true)
}

// Retained messages, by topic level. Aedes' own store tests every retained topic at every SUBSCRIBE: with the 40,000 that a
// district of 20,000 devices retains, a reconnect storm would stand still. Here a filter walks only where it can match.
// In memory; session-file.ts brings them back after a restart.

export type Retained = { topic: string; payload: Uint8Array; qos?: number; cmd?: string; retain?: boolean }
type Level = { below: Map<string, Level>; packet?: Retained }

export class RetainedTree {
  readonly #root: Level = { below: new Map() }
  readonly #max: number
  readonly #maxBytes: number
  #count = 0
  #bytes = 0

  constructor(max: number, maxBytes: number) {
    this.#max = max
    this.#maxBytes = maxBytes
  }

  get count(): number {
    return this.#count
  }

  /** An empty payload takes the message away [MQTT-3.3.1-10]. false = there is no room; what was retained before stays. */
  store(packet: Retained): boolean {
    const levels = packet.topic.split('/')
    if (packet.payload.byteLength === 0) return (this.#remove(this.#root, levels, 0), true)
    const had = this.#at(levels)?.packet
    const bytes = this.#bytes + packet.payload.byteLength - (had?.payload.byteLength ?? 0)
    if (bytes > this.#maxBytes || (had === undefined && this.#count >= this.#max)) return false
    this.#bytes = bytes
    if (had === undefined) this.#count++
    this.#make(levels).packet = packet
    return true
  }

  /** Everything retained under topics that `filter` matches [MQTT-4.7]. */
  *matching(filter: string): Generator<Retained> {
    yield* walk(this.#root, filter.split('/'), 0, true)
  }

  #at(levels: string[]): Level | undefined {
    let level: Level | undefined = this.#root
    for (const name of levels) level = level?.below.get(name)
    return level
  }

  #make(levels: string[]): Level {
    let level = this.#root
    for (const name of levels) {
      let next = level.below.get(name)
      if (next === undefined) level.below.set(name, (next = { below: new Map() }))
      level = next
    }
    return level
  }

  /** Takes empty levels away with the message, so that topics that come and go leave nothing. */
  #remove(level: Level, levels: string[], depth: number): void {
    const name = levels[depth]
    if (name === undefined) {
      if (level.packet === undefined) return
      this.#bytes -= level.packet.payload.byteLength
      this.#count--
      delete level.packet
      return
    }
    const next = level.below.get(name)
    if (next === undefined) return
    this.#remove(next, levels, depth + 1)
    if (next.packet === undefined && next.below.size === 0) level.below.delete(name)
  }
}

function* walk(level: Level, filter: string[], depth: number, atRoot: boolean): Generator<Retained> {
  const name = filter[depth]
  if (name === undefined || name === '#') {
    if (level.packet !== undefined) yield level.packet // a/# also matches a [MQTT-4.7.1-2]
    if (name === undefined) return
  }
  if (name !== '#' && name !== '+') {
    const next = level.below.get(name)
    if (next !== undefined) yield* walk(next, filter, depth + 1, false)
    return
  }
  for (const [key, next] of level.below) {
    if (atRoot && key.startsWith('$')) continue // [MQTT-4.7.2-1]
    yield* walk(next, filter, name === '#' ? depth : depth + 1, false)
  }
}

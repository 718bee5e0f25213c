// Who wants which topic: filters of who is connected, and of persistent sessions whether they are or not. Asked before every
// message is shown to Aedes, so that what nobody wants costs Aedes nothing. Bounded by what the limits let anybody subscribe to.
import { ownerOf } from './sessions.ts'

export type KeptSubscription = { clientId: string; topic: string; qos: number }
type Level = { below: Map<string, Level>; connected: number; kept: Map<string, KeptSubscription> }

const newLevel = (): Level => ({ below: new Map(), connected: 0, kept: new Map() })

export class Subscribers {
  readonly #root = newLevel()
  /** another number after every change: whoever remembers an answer asks again then */
  version = 0

  connected(filter: string, by: 1 | -1): void {
    this.#change(filter, level => (level.connected += by))
  }

  /** QoS 0 is not kept: nothing is queued for it. */
  keep({ clientId, topic, qos }: KeptSubscription): void {
    if (qos > 0) this.#change(topic, level => level.kept.set(clientId, { clientId, topic, qos }))
    else this.forget(clientId, topic)
  }

  forget(clientId: string, filter: string): void {
    this.#change(filter, level => level.kept.delete(clientId))
  }

  isWanted(topic: string): boolean {
    return some(this.#root, topic.split('/'), 0, level => level.connected > 0 || level.kept.size > 0)
  }

  /** The persistent sessions that want it, each once, with the highest QoS that one of its filters was granted. */
  keptFor(topic: string): KeptSubscription[] {
    const found = new Map<string, KeptSubscription>()
    some(this.#root, topic.split('/'), 0, level => {
      for (const [clientId, kept] of level.kept) if (kept.qos > (found.get(clientId)?.qos ?? 0)) found.set(clientId, kept)
      return false
    })
    return [...found.values()]
  }

  /** All that persistent sessions keep, of one owner or of all, whoever is connected. Walks everything: for what happens seldom. */
  keptOf(owner: string | null): KeptSubscription[] {
    const found: KeptSubscription[] = []
    const open = [this.#root]
    for (let level = open.pop(); level !== undefined; level = open.pop()) {
      for (const kept of level.kept.values()) if (owner === null || ownerOf(kept.clientId) === owner) found.push(kept)
      open.push(...level.below.values())
    }
    return found
  }

  #change(filter: string, change: (level: Level) => void): void {
    const path = [this.#root]
    const names = filter.split('/')
    for (const name of names) {
      const level = path.at(-1)!
      let next = level.below.get(name)
      if (next === undefined) level.below.set(name, (next = newLevel()))
      path.push(next)
    }
    change(path.at(-1)!)
    this.version++
    for (let depth = names.length; depth > 0; depth--) {
      const { below, connected, kept } = path[depth]!
      if (below.size > 0 || connected > 0 || kept.size > 0) return
      path[depth - 1]!.below.delete(names[depth - 1]!)
    }
  }
}

/** Walks every level that matches the topic [MQTT-4.7] until one says yes; wildcards at the root match no $ topics [MQTT-4.7.2-1]. */
function some(level: Level, names: readonly string[], depth: number, isIt: (level: Level) => boolean): boolean {
  const mayBeWild = depth > 0 || names[0]?.startsWith('$') !== true
  const open = mayBeWild ? level.below.get('#') : undefined
  if (open !== undefined && isIt(open)) return true
  const name = names[depth]
  if (name === undefined) return isIt(level)
  const one = mayBeWild ? level.below.get('+') : undefined
  if (one !== undefined && some(one, names, depth + 1, isIt)) return true
  const same = level.below.get(name)
  return same !== undefined && some(same, names, depth + 1, isIt)
}

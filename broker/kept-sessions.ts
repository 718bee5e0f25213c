// Which persistent sessions exist, with or without subscriptions, and which holder of its owner's credentials each is of. A device that is
// registered again after its credentials were taken away has another generation: it finds nothing of what the one before it left, neither
// subscriptions nor commands that waited. Beyond the bound the oldest session is taken for a new one.
import type { Identity } from './access.ts'
import type { KeptSession } from './session-file.ts'
import { ownerOf } from './sessions.ts'

type Disk = { session(session: KeptSession): void; end(id: string): void }
/** Takes away all that is of a session: filters, queue, half-done QoS 2, on disk too. */
export type EndSession = (id: string) => Promise<void>

export class KeptSessions {
  readonly #max: number
  readonly #disk: Disk
  readonly #generations = new Map<string, number>()
  readonly #ofOwner = new Map<string, Set<string>>()
  #end: EndSession = async () => {}

  constructor(max: number, disk: Disk) {
    this.#max = max
    this.#disk = disk
  }

  useEnd(end: EndSession): void {
    this.#end = end
  }

  /** Those there were before a restart. */
  restore(sessions: readonly KeptSession[]): void {
    for (const session of sessions) this.#add(session)
  }

  owners(): string[] {
    return [...this.#ofOwner.keys()]
  }

  /** It was let in. True = it goes on with a session of its own; of anybody else's nothing is left when this resolves. */
  async connected(id: string, isClean: boolean, { generation }: Identity): Promise<boolean> {
    const isOwn = this.#generations.get(id) === generation
    this.#remove(id)
    if (isClean) return false // Aedes ends what there was
    if (!isOwn) await this.#end(id)
    if (this.#generations.size >= this.#max) this.#forgetOldest()
    this.#add({ id, generation })
    this.#disk.session({ id, generation })
    return isOwn
  }

  /** Ends the sessions of earlier holders of this name. */
  async endBefore(owner: string, generation: number): Promise<void> {
    for (const id of this.#ofOwner.get(owner) ?? []) {
      if (this.#generations.get(id) === generation) continue
      this.#remove(id)
      await this.#end(id)
    }
  }

  #add({ id, generation }: KeptSession): void {
    this.#generations.set(id, generation)
    const own = this.#ofOwner.get(ownerOf(id)) ?? new Set()
    this.#ofOwner.set(ownerOf(id), own.add(id))
  }

  #remove(id: string): void {
    this.#generations.delete(id)
    const own = this.#ofOwner.get(ownerOf(id))
    own?.delete(id)
    if (own?.size === 0) this.#ofOwner.delete(ownerOf(id))
  }

  #forgetOldest(): void {
    const [oldest = ''] = this.#generations.keys()
    this.#remove(oldest)
    this.#disk.end(oldest)
  }
}

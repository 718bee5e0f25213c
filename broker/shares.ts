// How many connections one identity holds: the door has so many sockets, and the credentials of one detector must not take them all. Who
// comes last is let in, since the ones before may be dead and not know it; the oldest ends, as if its own ClientId had come again.
import type { Client } from 'aedes'
import { ANONYMOUS } from './access.ts'
import type { Limits } from './limits.ts'
import type { Sessions } from './sessions.ts'

export class Shares {
  readonly #sessions: Sessions
  readonly #limits: Limits
  /** in the order in which they came */
  readonly #held = new Map<string, Set<Client>>()

  constructor(sessions: Sessions, limits: Limits) {
    this.#sessions = sessions
    this.#limits = limits
  }

  enter(client: Client): void {
    const identity = this.#sessions.identityOf(client)
    if (identity === null || identity === ANONYMOUS) return
    const held = this.#held.get(identity.username) ?? new Set()
    this.#held.set(identity.username, held.add(client))
    const { connectionsOfGateway, connectionsOfIdentity } = this.#limits
    const most = identity.grants.length > 0 ? connectionsOfGateway : connectionsOfIdentity
    if (held.size <= most) return
    const [oldest] = held
    if (oldest === undefined) return
    held.delete(oldest)
    const reason = `${most} connections of ${identity.username} are open: the oldest made room for one more`
    this.#sessions.report({ code: 'too-many-connections', reason }, oldest)
    oldest.close()
  }

  leave(client: Client): void {
    const username = this.#sessions.identityOf(client)?.username ?? ''
    const held = this.#held.get(username)
    if (held?.delete(client) === true && held.size === 0) this.#held.delete(username)
  }
}

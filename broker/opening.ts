// What comes before the CONNECT of one connection: the header of a proxy, then a first byte that must be MQTT's. Knows the peer that the
// connection shows; behind a proxy its address is what the proxy says.
import { firstBytesProblem } from './arrival.ts'
import type { Frames } from './frames.ts'
import type { Peer } from './peer.ts'
import { readProxyHeader } from './proxy-header.ts'

export class Opening {
  #isAnnounced: boolean
  peer: Peer

  constructor(peer: Peer) {
    this.peer = peer
    this.#isAnnounced = peer.isAnnounced === true
  }

  /** more = it has not come yet; connect = a CONNECT may begin here; else what is wrong. */
  greets(frames: Pick<Frames, 'peek' | 'skip' | 'isEmpty'>): 'more' | 'connect' | { problem: string } {
    if (this.#isAnnounced) {
      const header = readProxyHeader(frames.peek())
      if (header === 'more' || 'problem' in header) return header
      this.peer = { ...this.peer, address: header.address }
      frames.skip(header.bytes)
      this.#isAnnounced = false
    }
    if (frames.isEmpty) return 'more'
    const problem = firstBytesProblem(frames.peek())
    return problem === null ? 'connect' : { problem }
  }
}

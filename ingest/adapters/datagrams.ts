// Conversations by datagrams: all of one address and port are one, ended when it has been silent for long. While a conversation is busy its
// datagrams are let go, not kept: who is not answered sends again. Only what is acknowledged may come this way.
import type { Conversation, Peer, TcpOptions } from './tcp.ts'
import { listenUdp } from './udp.ts'

export type DatagramOptions = Omit<TcpOptions, 'connectionsMax' | 'meter'> & { peersMax?: number }

/** Addresses and ports spoken with at once; at the bound the one heard longest ago ends. */
export const PEERS_MAX = 5_000
const LOOKS_PER_IDLE = 4

type Talk = { conversation: Conversation; heardMs: number; isBusy: boolean }

/** @throws FengsuiError port-in-use, setting-invalid */
export async function listenDatagrams(o: DatagramOptions): Promise<{ port: number; close(): Promise<void> }> {
  const talks = new Map<string, Talk>()
  const end = (key: string): void => {
    const talk = talks.get(key)
    talks.delete(key)
    talk?.conversation.ended()
  }

  const udp = await listenUdp({ entrance: o.entrance, host: o.host, port: o.port, log: o.log, heard })

  function begun(key: string, address: string, port: number): Talk {
    const peer: Peer = { address, write: bytes => udp.send(bytes, address, port), end: () => end(key) }
    const [oldest] = talks.keys()
    if (talks.size >= (o.peersMax ?? PEERS_MAX) && oldest !== undefined) end(oldest)
    return { conversation: o.open(peer), heardMs: 0, isBusy: false }
  }

  function heard(bytes: Buffer, address: string, port: number): void {
    const key = `${address} ${port}`
    const talk = talks.get(key) ?? begun(key, address, port)
    talks.delete(key)
    talks.set(key, talk)
    talk.heardMs = performance.now()
    if (talk.isBusy) return
    talk.isBusy = true
    Promise.resolve(talk.conversation.heard(bytes)).then(
      () => void (talk.isBusy = false),
      (error: Error) => {
        o.log.debug({ entrance: o.entrance, address, reason: error.message }, 'a conversation ended')
        end(key)
      },
    )
  }

  const look = setInterval(() => {
    const nowMs = performance.now()
    for (const [key, { heardMs }] of talks) {
      if (nowMs - heardMs < o.idleMs) return
      end(key)
    }
  }, o.idleMs / LOOKS_PER_IDLE)
  look.unref()
  return {
    port: udp.port,
    async close() {
      clearInterval(look)
      await udp.close()
      for (const key of talks.keys()) end(key)
    },
  }
}

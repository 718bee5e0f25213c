// Says when a rules folder has changed and come to rest. The file system's own notices make it quick; because mounts and editors can
// swallow them, the folder is also looked at now and then. It reads no rules.
import { watch, type FSWatcher } from 'node:fs'
import { fingerprintOf } from './folder.ts'

export type Watch = { close(): void }

const POLL_MS = 2_000
/** an editor or a copy writes several times: the folder must be unchanged for this long */
const REST_MS = 100

/** `seen`: the fingerprint of what was read already; absent = of what is there now. */
export function watchRuleFolder(o: { dir: string; changed(): void; seen?: string; pollMs?: number; restMs?: number }): Watch {
  const { pollMs = POLL_MS, restMs = REST_MS } = o
  let { seen } = o
  let resting: NodeJS.Timeout | undefined
  let closed = false
  let notices: FSWatcher | undefined

  async function look(): Promise<void> {
    const now = await fingerprintOf(o.dir).catch(() => '')
    if (closed) return
    if (seen === undefined || seen === now) return void (seen ??= now)
    seen = now
    clearTimeout(resting)
    resting = setTimeout(() => void rest(now), restMs)
  }
  async function rest(before: string): Promise<void> {
    const now = await fingerprintOf(o.dir).catch(() => '')
    if (closed) return
    if (now === before) return o.changed()
    seen = now
    resting = setTimeout(() => void rest(now), restMs)
  }
  /** A folder that is not there, or was put in the place of another, is watched from the next look on. */
  function listen(): void {
    if (notices !== undefined || closed) return
    try {
      notices = watch(o.dir, { persistent: false }, () => void look())
      notices.on('error', deaf)
    } catch {
      deaf()
    }
  }
  function deaf(): void {
    notices?.close()
    notices = undefined
  }

  listen()
  void look()
  const poll = setInterval(() => {
    listen()
    void look()
  }, pollMs)
  poll.unref()
  return {
    close() {
      closed = true
      clearInterval(poll)
      clearTimeout(resting)
      deaf()
    },
  }
}

// One connection to a camera for everybody who looks at it, held while somebody does and a little longer. Each who looks gets the newest picture;
// none waits for another. A camera that fails is told to all who look and left alone for a moment. Knows no HTTP of ours.
import { FengsuiError } from '#contracts/errors.ts'
import type { Address } from './addresses.ts'
import { LIMITS, mjpeg, snapshots, type Limits, type Picture } from './pictures.ts'

export const FEEDS_MAX = 16
export const VIEWERS_MAX = 100
/** a picture to each who looks at most this often */
const PICTURE_EVERY_MS = 200
const IDLE_MS = 10_000
/** how long a failure stands as the answer before the camera is asked again */
const FAILURE_STANDS_MS = 2_000

export type Viewer = { picture(picture: Picture): void; ended(error: FengsuiError): void }
export type Feeds = {
  /** the newest picture at once where there is one; answers how to stop. @throws FengsuiError camera-failed, too-many-requests */
  watch(deviceId: string, address: Address, viewer: Viewer): () => void
  /** other address, or none any more */
  forget(deviceId: string): void
  count(): { feeds: number; viewers: number }
  close(): void
}

type Feed = { viewers: Set<Viewer>; newest: Picture | null; ended: AbortController; idle?: NodeJS.Timeout }

/** What the network says of itself, without addresses. */
const wordsOf = (error: Error & { code?: string }): string => {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'it refuses the connection'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known'
    case 'ECONNRESET':
      return 'it ended the connection'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'it cannot be reached'
    case undefined:
      return error.message
    default:
      return error.code ?? ''
  }
}
export const failed = (deviceId: string, error: unknown): FengsuiError =>
  error instanceof FengsuiError
    ? error
    : new FengsuiError('camera-failed', `no picture of ${deviceId}: ${wordsOf(error as Error)}`, { cause: error })

export function createFeeds(o: { nowMs(): number; limits?: Limits; idleMs?: number; failureMs?: number }): Feeds {
  const { nowMs, limits = LIMITS, idleMs = IDLE_MS, failureMs = FAILURE_STANDS_MS } = o
  const feeds = new Map<string, Feed>()
  const failures = new Map<string, { error: FengsuiError; timer: NodeJS.Timeout }>()
  const viewers = (): number => [...feeds.values()].reduce((sum, feed) => sum + feed.viewers.size, 0)

  function end(deviceId: string, feed: Feed, error: FengsuiError): void {
    if (feeds.get(deviceId) === feed) feeds.delete(deviceId)
    clearTimeout(feed.idle)
    feed.ended.abort()
    const told = [...feed.viewers]
    feed.viewers.clear()
    for (const viewer of told) viewer.ended(error)
  }

  async function run(deviceId: string, feed: Feed, address: Address): Promise<void> {
    const { kind, url, login } = address
    const source = { target: { url, ...(login !== undefined && { login }) }, signal: feed.ended.signal, nowMs, limits }
    try {
      let givenAtMs = -Infinity
      for await (const picture of kind === 'mjpeg' ? mjpeg(source) : snapshots(source)) {
        feed.newest = picture
        if (picture.atMs - givenAtMs < PICTURE_EVERY_MS && picture.atMs >= givenAtMs) continue
        givenAtMs = picture.atMs
        for (const viewer of feed.viewers) viewer.picture(picture)
      }
    } catch (error) {
      if (feed.ended.signal.aborted) return
      const known = failed(deviceId, error)
      // bounded by the feeds there can be: one a device, gone after a moment
      clearTimeout(failures.get(deviceId)?.timer)
      failures.set(deviceId, { error: known, timer: setTimeout(() => failures.delete(deviceId), failureMs) })
      end(deviceId, feed, known)
    }
  }

  /** The one nobody has looked at for longest makes room. */
  function makeRoom(): void {
    if (feeds.size < FEEDS_MAX) return
    for (const [deviceId, feed] of feeds) {
      if (feed.viewers.size > 0) continue
      return end(deviceId, feed, new FengsuiError('too-many-requests', 'another camera is looked at'))
    }
    throw new FengsuiError('too-many-requests', `${FEEDS_MAX} cameras are looked at already`)
  }

  return {
    watch(deviceId, address, viewer) {
      const failure = failures.get(deviceId)
      if (failure !== undefined) throw failure.error
      if (viewers() >= VIEWERS_MAX) throw new FengsuiError('too-many-requests', `${VIEWERS_MAX} look at cameras already`)
      let feed = feeds.get(deviceId)
      if (feed === undefined) {
        makeRoom()
        feed = { viewers: new Set(), newest: null, ended: new AbortController() }
        feeds.set(deviceId, feed)
        feed.viewers.add(viewer)
        void run(deviceId, feed, address)
      } else {
        clearTimeout(feed.idle)
        feed.viewers.add(viewer)
        if (feed.newest !== null) viewer.picture(feed.newest)
      }
      const joined = feed
      return () => {
        if (!joined.viewers.delete(viewer) || joined.viewers.size > 0) return
        joined.idle = setTimeout(() => end(deviceId, joined, new FengsuiError('camera-failed', 'nobody looks')), idleMs)
      }
    },
    forget(deviceId) {
      const feed = feeds.get(deviceId)
      if (feed !== undefined) end(deviceId, feed, new FengsuiError('camera-failed', `the video of ${deviceId} was registered anew`))
      clearTimeout(failures.get(deviceId)?.timer)
      failures.delete(deviceId)
    },
    count: () => ({ feeds: feeds.size, viewers: viewers() }),
    close() {
      for (const [deviceId, feed] of feeds) end(deviceId, feed, new FengsuiError('camera-failed', 'the system is stopping'))
      for (const { timer } of failures.values()) clearTimeout(timer)
      failures.clear()
    },
  }
}

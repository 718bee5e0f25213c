// Everything of a device's video in one place: where it lies, pictures of it, HLS, and the opening of a WebRTC session. Asks only the address that was
// registered, in bounded time, and keeps its login to itself. It never decodes a picture and is no part of the way of an alarm.
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Video, VideoGiven, VideoKind } from '#contracts/video.ts'
import { openAddresses, type Address } from './addresses.ts'
import { ask } from './ask.ts'
import { createFeeds, failed, type Feeds, type Viewer } from './feeds.ts'
import { LIMITS, readWhole, type Limits, type Picture } from './pictures.ts'
import { createHls, type Piece } from './playlists.ts'

/** A session description: some kilobytes. */
export const SDP_BYTES_MAX = 64 * 1024
const OFFERS_AT_ONCE_MAX = 16
/** an older picture is not handed out for a single one that is asked for now */
const FRESH_MS = 3_000

export type VideoDesk = {
  put(deviceId: string, given: VideoGiven, by: string): Video
  remove(deviceId: string): boolean
  get(deviceId: string): Video | undefined
  all(): Video[]
  /** pictures as they come, of kind snapshot or mjpeg; answers how to stop */
  watch(deviceId: string, viewer: Viewer): () => void
  /** one of now */
  picture(deviceId: string): Promise<Picture>
  hls(deviceId: string, name: string): Promise<Piece>
  /** WHEP: the answer to an offer */
  offer(deviceId: string, sdp: string): Promise<string>
  count: Feeds['count']
  close(): void
}

export function openVideo(o: { dir: string; clock: Clock; log: Log; limits?: Limits; idleMs?: number; failureMs?: number }): VideoDesk {
  const { clock, log, limits = LIMITS } = o
  const addresses = openAddresses(o)
  const feeds = createFeeds({ ...o, nowMs: clock.nowMs })
  const hls = createHls({ limits })
  let offers = 0

  function address(deviceId: string, kinds: readonly VideoKind[]): Address {
    const found = addresses.address(deviceId)
    if (found === undefined) throw new FengsuiError('not-found', `no video is registered for ${deviceId}`)
    if (!kinds.includes(found.kind))
      throw new FengsuiError('conflict', `the video of ${deviceId} is of the kind ${found.kind}, not ${kinds.join(' or ')}`)
    return found
  }
  const watch: VideoDesk['watch'] = (deviceId, viewer) => feeds.watch(deviceId, address(deviceId, ['snapshot', 'mjpeg']), viewer)
  function forget(deviceId: string): void {
    feeds.forget(deviceId)
    hls.forget(deviceId)
  }

  return {
    put(deviceId, given, by) {
      const video = addresses.put(deviceId, given, by)
      forget(deviceId)
      return video
    },
    remove(deviceId) {
      forget(deviceId)
      return addresses.remove(deviceId)
    },
    get: addresses.shown,
    all: addresses.all,
    watch,
    picture: deviceId =>
      new Promise((resolve, reject) => {
        let stop = (): void => {}
        stop = watch(deviceId, {
          picture(picture) {
            if (clock.nowMs() - picture.atMs > FRESH_MS) return
            resolve(picture)
            // told at once, before `stop` is known
            queueMicrotask(() => stop())
          },
          ended: reject,
        })
      }),
    hls: (deviceId, name) => hls.get(deviceId, address(deviceId, ['hls']), name),
    async offer(deviceId, sdp) {
      const { url, login } = address(deviceId, ['whep'])
      if (offers >= OFFERS_AT_ONCE_MAX)
        throw new FengsuiError('too-many-requests', `${OFFERS_AT_ONCE_MAX} WebRTC sessions are being opened`)
      offers += 1
      try {
        const answer = await ask({
          url,
          ...(login !== undefined && { login }),
          isFenced: true,
          method: 'POST',
          headers: { 'content-type': 'application/sdp', accept: 'application/sdp', 'content-length': String(Buffer.byteLength(sdp)) },
          body: sdp,
          answerMs: limits.answerMs,
          signal: new AbortController().signal,
        })
        const text = (await readWhole(answer, SDP_BYTES_MAX, limits.answerMs)).toString('utf8')
        if (!text.startsWith('v=0')) throw new Error('what it answers is no session description')
        return text
      } catch (error) {
        const known = failed(deviceId, error)
        log.info({ deviceId, reason: known.message }, 'a WebRTC session with a camera could not be opened')
        throw known
      } finally {
        offers -= 1
      }
    },
    count: feeds.count,
    close() {
      feeds.close()
      addresses.close()
    },
  }
}

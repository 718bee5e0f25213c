// The ways a camera's picture comes to the page: pictures one by one (snapshot, MJPEG), HLS where this browser plays it by itself, WebRTC. All are
// asked of our own server; only the pictures of WebRTC then come past it.
import { ask } from './ask.ts'
import { createPartReader } from './part-reader.ts'
import type { Source } from './sight.ts'

export const HLS_TYPE = 'application/vnd.apple.mpegurl'
/** a film that stands still for this long has failed */
const STILL_MS = 10_000
const GATHER_MS = 1_000

/** Each picture in the place of the one before. */
export const pictures =
  (image: () => HTMLImageElement | null, deviceId: string): Source =>
  async ({ seen }, signal) => {
    const answer = await ask(`devices/${encodeURIComponent(deviceId)}/video/stream`, { signal })
    if (answer.body === null) return
    const read = createPartReader()
    const reader = answer.body.getReader()
    let shown = ''
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        const picture = read(value).at(-1)
        const target = image()
        if (picture === undefined || target === null) continue
        const next = URL.createObjectURL(new Blob([picture.bytes], { type: picture.type }))
        target.src = next
        // seen is what can be seen: bytes that are no picture to this browser are not
        await target.decode().catch(() => {
          throw new Error('it cannot be shown')
        })
        URL.revokeObjectURL(shown)
        shown = next
        seen(picture.atMs)
      }
    } finally {
      // the last picture stays on the screen: it is decoded, or about to be
      const last = shown
      setTimeout(() => URL.revokeObjectURL(last), 2_000)
      void reader.cancel().catch(() => {})
    }
  }

/** Reports each frame that is painted; rejects when none is for a while, or the element fails. */
const watched = (film: HTMLVideoElement, nowMs: () => number, seen: (atMs: number) => void, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const still = (): void => reject(new Error('no frame'))
    let timer = setTimeout(still, STILL_MS)
    const frame = (): void => {
      if (signal.aborted) return
      clearTimeout(timer)
      timer = setTimeout(still, STILL_MS)
      seen(nowMs())
      film.requestVideoFrameCallback(frame)
    }
    film.requestVideoFrameCallback(frame)
    film.addEventListener('error', () => reject(new Error(film.error?.message ?? 'the film cannot be played')), { signal })
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

export const hls =
  (film: () => HTMLVideoElement | null, deviceId: string, nowMs: () => number): Source =>
  async ({ seen }, signal) => {
    const target = film()
    if (target === null) return
    const address = `devices/${encodeURIComponent(deviceId)}/video/hls/playlist.m3u8`
    // the element does not say what the server said
    await (await ask(address, { signal })).body?.cancel()
    target.src = `/api/v1/${address}`
    try {
      const playing = watched(target, nowMs, seen, signal)
      await target.play().catch(() => {})
      await playing
    } finally {
      target.removeAttribute('src')
      target.load()
    }
  }

const gathered = (connection: RTCPeerConnection): Promise<void> =>
  new Promise(resolve => {
    const timer = setTimeout(resolve, GATHER_MS)
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState !== 'complete') return
      clearTimeout(timer)
      resolve()
    })
  })

export const whep =
  (film: () => HTMLVideoElement | null, deviceId: string, nowMs: () => number): Source =>
  async ({ seen }, signal) => {
    const target = film()
    if (target === null) return
    const connection = new RTCPeerConnection()
    try {
      connection.addTransceiver('video', { direction: 'recvonly' })
      connection.addEventListener('track', ({ streams: [stream], track }) => {
        target.srcObject = stream ?? new MediaStream([track])
        void target.play().catch(() => {})
      })
      await connection.setLocalDescription(await connection.createOffer())
      await gathered(connection)
      const answer = await ask(`devices/${encodeURIComponent(deviceId)}/video/whep`, {
        method: 'POST',
        headers: { 'content-type': 'application/sdp' },
        body: connection.localDescription?.sdp ?? '',
        signal,
      })
      await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() })
      await watched(target, nowMs, seen, signal)
    } finally {
      target.srcObject = null
      connection.close()
    }
  }

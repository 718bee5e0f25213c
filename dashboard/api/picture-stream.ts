// Pictures of a camera as one endless HTTP answer (multipart/x-mixed-replace). Who reads slowly gets fewer of them, never older ones, and holds
// nobody up: at most one picture waits.
import { Readable } from 'node:stream'
import type { FengsuiError } from '#contracts/errors.ts'
import { PICTURE_AT } from '#contracts/video.ts'

export type Picture = { bytes: Buffer; type: string; atMs: number }
export type Watch = (deviceId: string, viewer: { picture(picture: Picture): void; ended(error: FengsuiError): void }) => () => void

const BOUNDARY = 'fengsui-picture'
export const PICTURES_TYPE = `multipart/x-mixed-replace; boundary=${BOUNDARY}`
/** a session is looked at again this often */
const SESSION_MS = 5_000

const partOf = ({ bytes, type, atMs }: Picture): Buffer =>
  Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n${PICTURE_AT}: ${atMs}\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ])

type Options = { watch: Watch; deviceId: string; mayStay(): boolean; nowMs(): number }

/** Resolves with the first picture in it. @throws FengsuiError what the camera or the bounds say instead */
export function createPictureStream({ watch, deviceId, mayStay, nowMs }: Options): Promise<Readable> {
  let waiting: Picture | null = null
  let wants = false
  let seenMs = nowMs()
  let stop = (): void => {}
  const body = new Readable({
    highWaterMark: 1,
    read() {
      wants = true
      give()
    },
    destroy(error, done) {
      stop()
      done(error)
    },
  })
  function give(): void {
    if (!wants || waiting === null) return
    wants = false
    const picture = waiting
    waiting = null
    body.push(partOf(picture))
  }
  return new Promise((resolve, reject) => {
    let hasBegun = false
    stop = watch(deviceId, {
      picture(picture) {
        if (nowMs() - seenMs > SESSION_MS) {
          if (!mayStay()) {
            body.destroy()
            return
          }
          seenMs = nowMs()
        }
        waiting = picture
        give()
        hasBegun = true
        // the first of them resolves
        resolve(body)
      },
      // what has begun can only end: the reader asks again, and is answered why
      ended: error => (hasBegun ? void body.push(null) : reject(error)),
    })
  })
}

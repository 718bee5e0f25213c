// HLS of a registered address, handed through: playlists with each address in them replaced by a name of ours, and the pieces by such a name.
// Only what a playlist of that camera named can be had, only from the host that was registered, at the address where that playlist came from; so
// nobody can ask it for anything else, also not by a name that leads elsewhere a moment later.
import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FengsuiError } from '#contracts/errors.ts'
import type { Address } from './addresses.ts'
import { ask } from './ask.ts'
import { failed } from './feeds.ts'
import { LIMITS, readWhole } from './pictures.ts'

export const PLAYLIST = 'playlist.m3u8'
export const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl'
const PLAYLIST_BYTES_MAX = 256 * 1024
export const PIECE_BYTES_MAX = 32 * 1024 * 1024
const PIECE_MS = 20_000
/** names remembered of one camera, the newest; a live playlist names a few pieces */
const NAMES_MAX = 512
const CAMERAS_MAX = 64
const AT_ONCE_MAX = 32

const TYPES: Record<string, string> = {
  m3u8: PLAYLIST_TYPE,
  ts: 'video/mp2t',
  m4s: 'video/mp4',
  mp4: 'video/mp4',
  aac: 'audio/aac',
  vtt: 'text/vtt',
  key: 'application/octet-stream',
}

/** `at`: the address that the playlist came from */
type Named = { href: string; at: string | undefined }
export type Piece = { type: string; text: string } | { type: string; body: Readable }
export type Hls = {
  /** @throws FengsuiError not-found (no playlist named it), camera-failed, too-many-requests */
  get(deviceId: string, address: Address, name: string): Promise<Piece>
  forget(deviceId: string): void
}

/** Every address of a playlist through `nameOf`; RFC 8216: a line without '#' is one, and so is an attribute URI="...". */
export function renamed(playlist: string, base: URL, nameOf: (url: URL) => string): string {
  const name = (address: string): string => {
    if (!URL.canParse(address, base.href)) throw new Error('its playlist names what is no address')
    const url = new URL(address, base)
    if (url.host !== base.host || url.protocol !== base.protocol) throw new Error('its playlist names another host')
    return nameOf(url)
  }
  return playlist
    .split(/\r?\n/)
    .map(line =>
      line.startsWith('#')
        ? line.replace(/(\bURI=")([^"]*)(")/g, (_, before, address, after) => before + name(address) + after)
        : line.trim() === ''
          ? line
          : name(line.trim()),
    )
    .join('\n')
}

export function createHls(o: { limits?: Pick<typeof LIMITS, 'answerMs'> } = {}): Hls {
  const { answerMs } = o.limits ?? LIMITS
  const secret = randomBytes(32)
  /** of each camera, by name; in order of last use */
  const cameras = new Map<string, Map<string, Named>>()
  let underWay = 0

  function namesOf(deviceId: string): Map<string, Named> {
    const names = cameras.get(deviceId) ?? new Map<string, Named>()
    cameras.delete(deviceId)
    cameras.set(deviceId, names)
    if (cameras.size > CAMERAS_MAX) cameras.delete(cameras.keys().next().value ?? '')
    return names
  }
  /** The same address has the same name each time: players go by it. */
  function nameOf(deviceId: string, url: URL, at: string | undefined): string {
    const ending = /\.(\w{2,4})$/.exec(url.pathname)?.[1]?.toLowerCase() ?? ''
    const digest = createHmac('sha256', secret).update(`${deviceId} ${url.href}`).digest('hex').slice(0, 32)
    const name = `${digest}.${Object.hasOwn(TYPES, ending) ? ending : 'mp4'}`
    const names = namesOf(deviceId)
    names.delete(name)
    names.set(name, { href: url.href, at })
    if (names.size > NAMES_MAX) names.delete(names.keys().next().value ?? '')
    return name
  }

  async function fetched(deviceId: string, { url: registered, login }: Address, { href, at }: Named, type: string): Promise<Piece> {
    const url = new URL(href)
    const ended = new AbortController()
    const same = url.host === registered.host && url.protocol === registered.protocol
    if (!same) throw new FengsuiError('not-found', `${deviceId} has another address by now`)
    const where = { ...(login !== undefined && { login }), ...(at !== undefined && { at }) }
    const answer = await ask({ url, ...where, isFenced: true, answerMs, signal: ended.signal })
    const cameFrom = answer.socket.remoteAddress
    const isPlaylist = type === PLAYLIST_TYPE || /mpegurl/i.test(answer.headers['content-type'] ?? '')
    if (!isPlaylist) return { type, body: bounded(answer) }
    const text = (await readWhole(answer, PLAYLIST_BYTES_MAX, answerMs)).toString('utf8')
    if (!text.trimStart().startsWith('#EXTM3U')) throw new Error('what it sends is no HLS playlist')
    return { type: PLAYLIST_TYPE, text: renamed(text, url, named => nameOf(deviceId, named, cameFrom)) }
  }

  return {
    async get(deviceId, address, name) {
      const named = name === PLAYLIST ? { href: address.url.href, at: undefined } : cameras.get(deviceId)?.get(name)
      if (named === undefined) throw new FengsuiError('not-found', `no playlist of ${deviceId} names this piece, or it is long ago`)
      if (underWay >= AT_ONCE_MAX) throw new FengsuiError('too-many-requests', `${AT_ONCE_MAX} pieces of video are under way`)
      underWay += 1
      try {
        const piece = await fetched(deviceId, address, named, TYPES[name.split('.')[1] ?? ''] ?? 'video/mp4')
        if ('body' in piece) {
          underWay += 1
          piece.body.once('close', () => (underWay -= 1))
        }
        return piece
      } catch (error) {
        throw failed(deviceId, error)
      } finally {
        underWay -= 1
      }
    },
    forget: deviceId => void cameras.delete(deviceId),
  }
}

/** As it comes, but not more and not longer. */
function bounded(answer: IncomingMessage): Readable {
  let bytes = 0
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(bytes > PIECE_BYTES_MAX ? new Error('a piece of video is too large') : null, chunk)
    },
  })
  const limit = setTimeout(() => body.destroy(new Error('a piece of video took too long')), PIECE_MS)
  void pipeline(answer, body)
    .catch(() => {})
    .finally(() => clearTimeout(limit))
  return body
}

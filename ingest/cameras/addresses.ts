// Which device has a video, where it lies and with what login: DATA_DIR/cameras.db, readable to its owner only, because a login that has to be
// sent cannot be kept as a hash. What may be shown of it is a Video; the address and the login are for ask.ts alone.
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Video, VideoGiven, VideoKind } from '#contracts/video.ts'
import { bareHost, isRefused } from './ask.ts'
import type { Login } from './digest.ts'

/** registered videos; one more is refused */
export const VIDEOS_MAX = 10_000

export type Address = { kind: VideoKind; url: URL; login?: Login }
export type Addresses = {
  /** in the place of what was there; a login in the URL is taken out of it. @throws FengsuiError invalid-request, conflict */
  put(deviceId: string, given: VideoGiven, by: string): Video
  remove(deviceId: string): boolean
  shown(deviceId: string): Video | undefined
  all(): Video[]
  address(deviceId: string): Address | undefined
  close(): void
}

type Row = { device_id: string; kind: string; url: string; username: string | null; password: string | null; by: string; at: string }

/** Never with what was typed: a URL may hold a password. */
function checked({ kind, url, username, password }: VideoGiven): Address {
  const refuse = (why: string): never => {
    throw new FengsuiError('invalid-request', `body.url ${why}`)
  }
  if (!URL.canParse(url)) return refuse('is no URL')
  const found = new URL(url)
  if (found.protocol !== 'http:' && found.protocol !== 'https:')
    return refuse('must begin with http:// or https://; RTSP needs a gateway that makes HLS, WebRTC or MJPEG of it')
  if (isRefused(bareHost(found))) return refuse('names an address that is never asked (link-local, multicast or unspecified)')
  const login = { username: username ?? decodeURIComponent(found.username), password: password ?? decodeURIComponent(found.password) }
  found.username = ''
  found.password = ''
  found.hash = ''
  return { kind, url: found, ...(login.username === '' ? {} : { login }) }
}

export function openAddresses({ dir, clock, max = VIDEOS_MAX }: { dir: string; clock: Clock; max?: number }): Addresses {
  const file = join(dir, 'cameras.db')
  const db = new DatabaseSync(file)
  chmodSync(file, 0o600)
  db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS video (device_id TEXT PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL, username TEXT, password TEXT,
      by TEXT NOT NULL, at TEXT NOT NULL) STRICT`)
  const put = db.prepare('INSERT OR REPLACE INTO video VALUES (?, ?, ?, ?, ?, ?, ?)')
  const remove = db.prepare('DELETE FROM video WHERE device_id = ?')
  // few beside devices, and asked for with every picture
  const rows = new Map((db.prepare('SELECT * FROM video').all() as Row[]).map(row => [row.device_id, row]))
  const shownOf = ({ device_id, kind, url, username, by, at }: Row): Video => ({
    deviceId: device_id,
    kind: kind as VideoKind,
    host: new URL(url).host,
    hasLogin: username !== null,
    by,
    at,
  })
  const shown = (deviceId: string): Video | undefined => {
    const row = rows.get(deviceId)
    return row && shownOf(row)
  }
  return {
    put(deviceId, given, by) {
      const { kind, url, login } = checked(given)
      if (!rows.has(deviceId) && rows.size >= max) throw new FengsuiError('conflict', `${max} videos are registered: remove some first`)
      const at = new Date(clock.nowMs()).toISOString()
      const row: Row = {
        device_id: deviceId,
        kind,
        url: url.href,
        username: login?.username ?? null,
        password: login?.password ?? null,
        by,
        at,
      }
      put.run(row.device_id, row.kind, row.url, row.username, row.password, row.by, row.at)
      rows.set(deviceId, row)
      return shownOf(row)
    },
    remove(deviceId) {
      remove.run(deviceId)
      return rows.delete(deviceId)
    },
    shown,
    all: () => [...rows.values()].map(shownOf),
    address(deviceId) {
      const row = rows.get(deviceId)
      if (row === undefined) return undefined
      const { kind, url, username, password } = row
      return {
        kind: kind as VideoKind,
        url: new URL(url),
        ...(username === null ? {} : { login: { username, password: password ?? '' } }),
      }
    },
    close: () => db.close(),
  }
}

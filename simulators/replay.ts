#!/usr/bin/env node
// `npm run replay`: publishes recordings to a broker. Exit 0 only when every message was acknowledged; 1 when not; 2 for bad usage
// or a file that cannot be read.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { brokerUrl, count, endWith, numberOption } from './command.ts'
import { createLink, newCounts, type Link } from './link.ts'
import { isLoopback, issueByAdmin, type ImportRow, type Login } from './logins.ts'
import { createRandom } from './random.ts'
import { IN_FLIGHT_MAX, publishRecording, survey, type Survey } from './replayer.ts'
import { createWindow } from './window.ts'

const USAGE = `usage: npm run replay -- FILE.jsonl[.gz]... [--speed X] [--url mqtt://HOST:PORT] [--user U --password P] [--limit N]
  --speed X   1 = as recorded (default), 10 = ten times as fast, 0 = as fast as acknowledged
  several files begin together and are merged by time since their own beginning`
const GATEWAY = 'replay'
/** another replay that starts at the same moment makes a new password for the same gateway; then ours is made again */
const REGISTRATIONS_MAX = 3
const FIRST_CONNECTION_MS = 30_000
const PROGRESS_MS = 5000

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      speed: { type: 'string' },
      url: { type: 'string' },
      user: { type: 'string' },
      password: { type: 'string' },
      limit: { type: 'string' },
    },
  })
  if (positionals.length === 0) throw new FengsuiError('invalid-request', 'which recording?')
  if ((values.user === undefined) !== (values.password === undefined))
    throw new FengsuiError('invalid-request', '--user and --password belong together')
  return {
    files: positionals,
    speed: numberOption('speed', values.speed, 1, 0, 100_000),
    limit: numberOption('limit', values.limit, Infinity, 1, Number.MAX_SAFE_INTEGER),
    url: brokerUrl(values.url, process.env),
    login: values.user === undefined ? null : { username: values.user, password: values.password ?? '' },
  }
}

/** Opens a connection; answers null when the broker refuses these credentials. */
async function connected(url: URL, login: Login | null): Promise<Link | null> {
  const link = createLink({
    url: url.href,
    clientId: `replay-${randomUUID()}`,
    ...login,
    births: () => [],
    random: createRandom(randomUUID()),
    clock: systemClock,
    window: createWindow(IN_FLIGHT_MAX),
    counts: newCounts(),
    inFlightMax: IN_FLIGHT_MAX,
    backlogMax: IN_FLIGHT_MAX,
    firstPauseMs: 500,
    longestPauseMs: 5000,
  })
  const deadline = systemClock.nowMs() + FIRST_CONNECTION_MS
  link.open()
  while (!link.connected() && systemClock.nowMs() < deadline) {
    if (/refused: (not authorized|bad user)/i.test(link.trouble())) {
      await link.close(() => [], 0)
      return null
    }
    await Promise.race([link.change(), new Promise(resolve => setTimeout(resolve, 250))])
  }
  if (link.connected()) return link
  await link.close(() => [], 0)
  throw new FengsuiError(
    'room-unavailable',
    `no connection to ${url.href} in ${FIRST_CONNECTION_MS / 1000} s: ${link.trouble() || 'no answer'}`,
  )
}

async function open(url: URL, login: Login | null, found: Survey): Promise<Link> {
  const link = await connected(url, login)
  if (link !== null) return link
  if (login !== null) throw new FengsuiError('bad-credentials', `${url.href} refused user '${login.username}'`)
  if (!isLoopback(url)) throw new FengsuiError('bad-credentials', `${url.href} refuses anonymous devices: give --user and --password`)
  console.log(`registering ${count(found.devices.size)} devices via gateway '${GATEWAY}'`)
  for (let tries = 0; tries < REGISTRATIONS_MAX; tries++) {
    const logins = await issueByAdmin(registration(found))
    const made = await connected(url, logins.get(GATEWAY) ?? null)
    if (made !== null) return made
  }
  throw new FengsuiError('bad-credentials', `${url.href} refused the credential just made; is FENGSUI_DATA_DIR that of the running system?`)
}

/** The gateway, and every device of the recording behind it, with place and position as its self-description has them. */
function registration(found: Survey): ImportRow[] {
  const grants = [...found.foreign].filter(level => level !== '').map(level => `${level}/#`)
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? value : '')
  const devices = [...found.devices]
    .filter(([id]) => id !== GATEWAY)
    .map(([deviceId, { kind, about }]): ImportRow => {
      const place = (about?.['place'] ?? {}) as Record<string, unknown>
      const position = (about?.['position'] ?? {}) as Record<string, unknown>
      return {
        deviceId,
        kind,
        via: GATEWAY,
        name: text(about?.['name']),
        grid: text(place['grid']),
        building: text(place['building']),
        floor: text(place['floor']),
        room: text(place['room']),
        lat: text(position['lat']),
        lon: text(position['lon']),
        expectNextS: text(about?.['expectNextS']),
      }
    })
  return [{ deviceId: GATEWAY, kind: 'gateway', grants: grants.join(' ') }, ...devices]
}

async function main(): Promise<number> {
  const options = readOptions()
  const found = await survey(options.files, options.limit)
  if (found.messages === 0) throw new FengsuiError('invalid-request', `${options.files.join(', ')}: no message in it`)
  const link = await open(options.url, options.login, found)
  let stop = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stop = true))
  process.once('disconnect', () => (stop = true))
  let sent = 0
  const line = () =>
    `sent ${count(sent)} of ${count(found.messages)}, ${count(sent - link.pending())} acknowledged${link.trouble() === '' ? '' : `  (${link.trouble()})`}`
  const reporting = setInterval(() => console.log(line()), PROGRESS_MS)
  const startedMs = systemClock.nowMs()
  const result = await publishRecording({
    files: options.files,
    found,
    speed: options.speed,
    link,
    clock: systemClock,
    stopped: () => stop,
    progress: n => (sent = n),
  })
  clearInterval(reporting)
  const seconds = (systemClock.nowMs() - startedMs) / 1000
  await link.close(() => [], 0)
  console.log(
    `${count(found.messages - result.unacknowledged)} of ${count(found.messages)} messages acknowledged in ${seconds.toFixed(1)} s`,
  )
  return result.unacknowledged === 0 ? 0 : 1
}

main().then(
  code => process.exit(code),
  error => endWith('replay', error, USAGE),
)

// The API as it runs, for tests: a real port, real accounts, dispatch, directory, credentials, quarantine and cursors in a folder
// of their own; only the clock, the feed's journal and the outside world are ours. Every JSON answer is held against openapi.json.
import { scryptSync } from 'node:crypto'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AccountingReport } from '#contracts/accounting.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { InboundMessage, Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import { ROLES, type Role, type Scope } from '#contracts/people.ts'
import type { Reading } from '#contracts/reading.ts'
import { openClaims } from '../../broker/claims.ts'
import { issueProblem, openCredentials } from '../../broker/credentials.ts'
import { openCommandRequests } from '../../dashboard/api/command-requests.ts'
import { openAccounts } from '../../dashboard/api/accounts.ts'
import type { Claimable } from '../../dashboard/api/enrolment.ts'
import { startApi, type ApiParts } from '../../dashboard/api/index.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { openPhotos } from '../../dispatch/photos.ts'
import { createDirectory } from '../../ingest/directory.ts'
import { registeredPosition } from '../../ingest/district.ts'
import { openVideo } from '../../ingest/cameras/video.ts'
import { openQuarantine } from '../../ingest/quarantine.ts'
import { readSheet } from '../../ingest/registration-csv.ts'
import { createRedrive } from '../../ingest/redrive.ts'
import { openCursors } from '../../journal/index.ts'
import { openCommandDesk } from '../../parts/commands.ts'
import { written } from '../../parts/reports.ts'
import { answerChecker, type Answer, type Body } from './answers.ts'

export const PASSWORD = 'correct horse battery'
/** as accounts.ts keeps it, at a thousandth of its price: what a real one costs is asked in accounts.test.ts */
const HASH = `scrypt$4$1$c2FsdA$${scryptSync(PASSWORD, 'salt', 32, { N: 16, r: 1, p: 1 }).toString('base64url')}`
export type Ask = { as?: string | null; method?: string; json?: unknown; headers?: Record<string, string>; body?: string }
export type Room = Awaited<ReturnType<typeof startRoom>>

/** Signs in users and service tokens without HTTP, so that a file full of tests does not meet the login limits. */
export async function startRoom(o: { parts?: Partial<ApiParts>; roles?: readonly Role[]; page?: boolean } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'api-'))
  const webDir = join(dir, 'web')
  const districtDir = join(dir, 'district')
  await mkdir(join(webDir, 'assets'), { recursive: true })
  await mkdir(districtDir)
  await writeFile(join(districtDir, 'areas.geojson'), JSON.stringify({ type: 'FeatureCollection', features: [] }))
  if (o.page !== false) {
    await writeFile(join(webDir, 'index.html'), '<!doctype html><title>desk</title>')
    await writeFile(join(webDir, 'assets', 'main-Ab3dEf9h.js'), 'export {}')
  }

  const clock: Clock & { nowMs(): number; shiftMs: number } = { shiftMs: 0, nowMs: () => Date.now() + clock.shiftMs }
  const lines: string[] = []
  const say = (level: string) => (fields: object, message: string) => {
    const err = (fields as { err?: unknown }).err
    lines.push(JSON.stringify({ level, message, ...fields, ...(err instanceof Error ? { err: `${err.message} ${err.stack}` } : {}) }))
  }
  const log: Log = { info: say('info'), warn: say('warn'), error: say('error'), debug: say('debug') }
  const counted: Record<string, number> = {}
  const meter: Meter = {
    count: (name, _labels, by = 1) => void (counted[name] = (counted[name] ?? 0) + by),
    gauge: () => {},
    observe: () => {},
  }

  const accounts = openAccounts({ dir, clock })
  const dispatch = openDispatch({ file: join(dir, 'dispatch.db'), clock, log, meter })
  const directory = createDirectory({})
  const credentials = openCredentials({ dir, clock })
  const claims = openClaims<Claimable>({ dir, clock })
  const quarantine = openQuarantine({ dir, clock })
  const cursors = openCursors({ dir })
  const journal: { seq: number; readings: Reading[] }[] = []
  const published: { topic: string; payload: string }[] = []
  const redriven: InboundMessage[] = []
  const flowsAsked: { question: string; asked: object }[] = []
  const originals = new Map<number, Message>()
  const rooms: RoomHealth[] = [{ room: 'broker', ok: true, detail: '0 connected' }]

  const commands = await openCommandDesk({
    dispatch,
    device: directory.get,
    publish: async (topic, payload) => void published.push({ topic, payload }),
    withdraw: async () => 0,
    clock,
    log,
  })

  const video = openVideo({ dir, clock, log, limits: { answerMs: 1000, silenceMs: 10_000, everyMs: 50 }, idleMs: 50, failureMs: 50 })

  const accounting: AccountingReport = {
    at: new Date().toISOString(),
    known: false,
    accepted: 0,
    readers: [{ reader: 'rules', position: 0, lag: 0 }],
    journal: { files: 1, bytes: 4096 },
    gaps: { missing: 0, forgotten: 0, devices: 0, top: [] },
    quarantine: { rows: 0, open: 0 },
  }

  const tokens: Record<string, string> = {}
  const users = new DatabaseSync(join(dir, 'accounts.db'))
  for (const role of o.roles ?? ROLES) {
    users.prepare('INSERT INTO user (username, role, hash, created_at) VALUES (?, ?, ?, ?)').run(role, role, HASH, new Date().toISOString())
    tokens[role] = (await accounts.login(role, PASSWORD)).token
  }
  users.close()
  const issue = (name: string, scopes: Scope[]): void => void (tokens[name] = accounts.issueToken(name, scopes).token)

  const api = await startApi({
    host: '127.0.0.1',
    port: 0,
    log,
    meter,
    clock,
    webDir,
    districtDir,
    accounts,
    dispatch,
    directory: { ...directory, registerAll: devices => devices.map(directory.register) },
    positionOf: (given, kind) => registeredPosition(given, kind, undefined),
    saveDirectory: () => void directory.dirty(),
    credentials,
    claims,
    readSheet: (csv, isTaken) =>
      readSheet(csv, { problemOf: ({ credential }) => (isTaken(credential.deviceId) ? 'registered already' : issueProblem(credential)) }),
    quarantine,
    history: {
      query: async q => [
        {
          metric: q.metric ?? 'temperature_c',
          points: [
            [q.fromMs, 20],
            [q.toMs, 21],
          ],
        },
      ],
      aggregate: async q => [{ t: q.fromMs, count: 2, mean: 20.5, min: 20, max: 21 }],
    },
    feed: {
      head: () => journal.at(-1)?.seq ?? 0,
      read: (after, max) => {
        const messages = journal.filter(message => message.seq > after).slice(0, max)
        return messages.flatMap(({ seq, readings }) => readings.map(reading => ({ seq, reading })))
      },
      cursors,
    },
    incidents: dispatch,
    rules: ruleDesk(),
    redrive: createRedrive({ quarantine, original: seq => originals.get(seq), append: async message => void redriven.push(message) }),
    commands: commands.desk,
    video,
    photos: openPhotos({ dir, quotaBytes: 64 * 1024 * 1024, reserveBytes: 0, isKept: dispatch.observations.hasPhoto }),
    reports: { today: dispatch.reports.today, daily: async (date, nowMs) => written(dispatch.reports.daily(date, nowMs)) },
    accounting: () => accounting,
    health: () => rooms,
    metricsText: async () => 'fengsui_journal_head 0\n',
    flows: null,
    flowsDesk: async (question, asked) => {
      flowsAsked.push({ question, asked })
      return question === 'tab' ? { label: 'tab', texts: ['- id: from-flow'] } : {}
    },
    commandRequests: openCommandRequests({ dir }),
    ...o.parts,
  })
  const url = `http://127.0.0.1:${api.port}`
  const check = await answerChecker(url)

  /** `as`: a role, the name of an issued token, or a token itself; null = nobody */
  async function ask(path: string, { as = 'admin', method = 'GET', json, headers = {}, body }: Ask = {}): Promise<Answer> {
    const token = as === null ? null : (tokens[as] ?? as)
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    })
    // a stream never ends by itself: who only asks whether he may have it does not read it
    const isStream = response.ok && path.endsWith('/stream')
    if (isStream) await response.body?.cancel()
    const text = isStream ? '' : await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    const answer: Answer = {
      status: response.status,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : null) as Body,
      headers: response.headers,
    }
    check(method, path, answer)
    return answer
  }
  const post = (path: string, json: unknown = {}, as?: Ask['as']): Promise<Answer> =>
    ask(path, { method: 'POST', json, ...(as === undefined ? {} : { as }) })

  return {
    api,
    url,
    dir,
    ask,
    post,
    issue,
    tokens,
    accounts,
    dispatch,
    directory,
    credentials,
    quarantine,
    cursors,
    journal,
    published,
    redriven,
    originals,
    rooms,
    accounting,
    lines,
    counted,
    clock,
    video,
    async [Symbol.asyncDispose]() {
      await api.close()
      for (const part of [accounts, dispatch, credentials, quarantine, cursors, video]) part.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export const reading = (seq: number, o: Partial<Reading> = {}): { seq: number; readings: Reading[] } => {
  const ts = new Date().toISOString()
  return {
    seq,
    readings: [
      {
        deviceId: 'smk-1',
        kind: 'smoke',
        ts,
        tsSource: 'device',
        receivedAt: ts,
        metrics: {},
        alarms: {},
        flags: {},
        source: { family: 'native' },
        ...o,
      },
    ],
  }
}

let keys = 0
/** an alarm of a person, severity 2, in a building of its own */
export const alarmBody = (o: Record<string, unknown> = {}): Record<string, unknown> => {
  keys += 1
  return {
    idempotencyKey: `key-${keys}`,
    kind: 'fire-alarm',
    severity: 2,
    subject: `b${keys}`,
    place: { building: `b${keys}` },
    text: { zh: '起火', en: 'fire' },
    ...o,
  }
}

/** Rules that are whatever was put last. */
export function ruleDesk(): NonNullable<ApiParts['rules']> {
  const set = { name: 'base', version: 'v0', rules: [], files: {}, since: null, problem: null, disabled: [], history: [] }
  return {
    get: () => set,
    schema: () => ({ type: 'array' }),
    replace: async ({ files, by }) => Object.assign(set, { files, version: `v-${by}` }),
    recordings: () => [{ name: 'a-night', isLabelled: true }],
    backtest: async () => ({ recordings: [], logHash: '', readingsPerSecond: 0 }),
  }
}

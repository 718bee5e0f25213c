// Starts a trial: flows and readings in, what they raised out, in a process that can reach nothing and ends at its time limit. Several
// stories go through one process, one after the other, each from a clean memory.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { FengsuiError } from '#contracts/errors.ts'
import type { AlarmKind, Severity, Text } from '#contracts/alarm.ts'
import type { Place } from '#contracts/reading.ts'
import type { Bounds } from './bounds.ts'
import { startChild, type Child } from './child.ts'
import type { FlowNode, Start } from './link.ts'
import { CORE } from './settings.ts'
import type { FeedReading, FeedTick } from './nodes/lib/feed.ts'

export type TrialAlarm = {
  key: string
  rule: string
  kind: AlarmKind
  severity: Severity
  subject: string
  deviceId?: string
  place?: Place
  at: string
  text: Text
  evidence: number
}
export type Played = {
  name: string
  alarms: TrialAlarm[]
  commands: number
  /** what nodes complained of */
  problems: string[]
  readings: number
  ms: number
  /** of all alarms in order: two runs that say the same have the same */
  digest: string
}
export type TrialLine = { play: { name: string; flows: FlowNode[] } } | { end: true } | FeedReading | FeedTick

type Entries = Iterable<object> | Readable
/** `entries`: readings as the feed brings them, or a stream of such lines; or what makes them when their turn comes. */
export type Story = { name: string; flows: FlowNode[]; entries: Entries | (() => Entries) }

/** its time is limited, not its share: who waits for it may use a machine that has nothing else to do */
const BOUNDS: Bounds = { heapMb: 384, cpuShare: 4, burstMs: 10_000 }
const START_MS_MAX = 60_000

/** It did not end in time, or ended by itself. */
export class NotPlayed extends FengsuiError {
  readonly why: Text
  constructor(why: Text) {
    super('flow-refused', why.en)
    this.why = why
  }
}

/** @throws NotPlayed */
export async function tryOut(o: { stories: Story[]; msMax: number; signal?: AbortSignal }): Promise<Played[]> {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-trial-'))
  // what Node-RED looks for beside its core nodes: no examples, and its own words
  mkdirSync(join(dir, 'examples'))
  symlinkSync(join(CORE, 'locales'), join(dir, 'locales'))
  writeFileSync(join(dir, 'package.json'), '{}\n')
  const played: Played[] = []
  const waiting: ((p: Played) => void)[] = []
  const start: Start = {
    host: '127.0.0.1',
    port: 0,
    userDir: dir,
    apiUrl: 'http://127.0.0.1:9',
    apiToken: '',
    credentialSecret: 'trial',
    lang: 'zh-CN',
    closed: [],
    trial: 'backtest',
    types: [...new Set(o.stories.flatMap(story => story.flows.map(node => node.type)))],
  }
  const child = startChild({
    start,
    bounds: BOUNDS,
    cpuS: ((START_MS_MAX + o.msMax) / 1000) * BOUNDS.cpuShare,
    on(message) {
      const said = message as { type?: string; played?: Played }
      if (said.type === 'ready') begin()
      if (said.type === 'played' && said.played !== undefined) waiting.shift()?.(said.played)
    },
  })
  child.stdin?.on('error', () => {}) // a process that ended says so by its end
  const { promise: late, reject } = Promise.withResolvers<never>()
  const tooLong = (): void =>
    reject(
      new NotPlayed({
        zh: `${o.msMax / 1000} 秒内没有结束:死循环,或者太慢`,
        en: `the trial did not end within ${o.msMax / 1000} s: a loop, or far too slow`,
      }),
    )
  // a busy machine may take long to start it; how long the flow takes is counted from then
  let timer = setTimeout(tooLong, START_MS_MAX)
  const begin = (): void => {
    clearTimeout(timer)
    timer = setTimeout(tooLong, o.msMax)
  }
  o.signal?.addEventListener('abort', tooLong, { once: true })
  const ended = child.ended.then((how): never => {
    throw new NotPlayed({ zh: `流程使试运行进程退出:${how}`, en: `the flow ended the process it was tried in: ${how}` })
  })
  ended.catch(() => {})
  late.catch(() => {})
  let entries: Entries = []
  try {
    for (const story of o.stories) {
      const answer = new Promise<Played>(resolve => waiting.push(resolve))
      entries = typeof story.entries === 'function' ? story.entries() : story.entries
      // it may fail before anybody reads it, and says so to who does
      if (isStream(entries)) entries.on('error', () => {})
      await Promise.race([tell(child, story, entries), late, ended])
      played.push(await Promise.race([answer, late, ended]))
    }
    return played
  } finally {
    clearTimeout(timer)
    // who still reads for a process that is gone ends too
    if (isStream(entries)) entries.destroy()
    child.kill()
    await child.ended
    rmSync(dir, { recursive: true, force: true })
  }
}

const WRITE_LINES = 500

async function tell(child: Child, { name, flows }: Story, entries: Entries): Promise<void> {
  const { stdin } = child
  if (stdin === null) throw new FengsuiError('internal', 'a trial has no stdin')
  const write = (text: string | Buffer): Promise<void> | undefined =>
    stdin.write(text) ? undefined : new Promise(resolve => stdin.once('drain', resolve))
  await write(`${JSON.stringify({ play: { name, flows } })}\n`)
  if (isStream(entries)) for await (const chunk of entries) await write(chunk as Buffer)
  else {
    let lines: string[] = []
    for (const entry of entries) {
      lines.push(JSON.stringify(entry))
      if (lines.length < WRITE_LINES) continue
      await write(`${lines.join('\n')}\n`)
      lines = []
    }
    if (lines.length > 0) await write(`${lines.join('\n')}\n`)
  }
  await write('{"end":true}\n')
}

const isStream = (entries: Entries): entries is Readable => Symbol.asyncIterator in entries

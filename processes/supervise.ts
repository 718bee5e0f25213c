// Starts the processes, passes their packets on, restarts what ends or hangs with back-off, and stops all in reverse order.
// It does no other work, so that nothing can stall it; a process that cannot start at all ends the whole start with its reason.
import { fork, type ChildProcess } from 'node:child_process'
import type { Log } from '#contracts/clock.ts'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import { ALIVE, createLink, createOutlet, type Link, type Packet } from './link.ts'

/** `up`: it said that it is ready, and it answers. */
export type ProcessState = { name: string; up: boolean; restarts: number; pid?: number; since: string }
export type Supervisor = {
  link: Link
  /** Lets a process load what it will need; it touches nothing before `start`. */
  prepare(name: string): void
  /** Sets a process to work and waits until it says it is ready. @throws FengsuiError with the process's own reason */
  start(name: string, configuration: unknown): Promise<unknown>
  states(): ProcessState[]
  stop(): Promise<void>
}

type Child = {
  name: string
  configuration: unknown
  process: ChildProcess | null
  post: (packet: Packet) => void
  isReady: boolean
  /** looks since it answered last */
  unanswered: number
  restarts: number
  failures: number
  since: number
  timer: NodeJS.Timeout | null
}
type Start = { ready: unknown } | { fatal: { code: ErrorCode; message: string } }

const BACKOFF_MS_MIN = 200
const BACKOFF_MS_MAX = 10_000
const STEADY_MS = 60_000
const STOP_MS_MAX = 5000
/** Ready within seconds as a rule; a machine that is starved of processor or disk is not to be refused for it. */
const START_MS_MAX = 120_000
/** A process that is started again may take longer, for it may have much to read; this long is a process that hangs. */
const RESTART_MS_MAX = 300_000
/** How often each process is asked whether it is there, and how many looks in a row may go unanswered before it is killed: 30 s. */
const LOOK_EVERY_MS = 5000
const UNANSWERED_MAX = 6
/** From here on it is no longer called up. */
const UNANSWERED_WORRYING = 2

export type SupervisorOptions = { entry: string; log: Log; onRestart?: (name: string) => void; lookEveryMs?: number }

export function createSupervisor(o: SupervisorOptions): Supervisor {
  const children = new Map<string, Child>()
  let stopping = false

  const post = (packet: Packet) => {
    const child = children.get(packet.to)
    if (child?.process?.connected === true) child.post(packet)
    else if (packet.kind === 'request') {
      const error = { code: 'room-unavailable' as const, message: `${packet.to} is not running` }
      route({ kind: 'answer', from: packet.to, to: packet.from, id: packet.id, error })
    }
  }
  const link = createLink('main', post)
  const route = (packet: Packet) => (packet.to === 'main' ? link.receive(packet) : post(packet))

  function spawn(child: Child): ChildProcess {
    child.process = fork(o.entry, [child.name], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    })
    return child.process
  }

  function launch(child: Child): Promise<unknown> {
    // one that was prepared is used unless it has ended meanwhile
    const started = child.process?.connected === true ? child.process : spawn(child)
    child.post = createOutlet((packet, left) => void (started.connected && started.send(packet, left)))
    child.isReady = false
    child.unanswered = 0
    child.since = Date.now()
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new FengsuiError('process-start-failed', `${child.name} was not ready within ${START_MS_MAX} ms`)),
        START_MS_MAX,
      )
      started.on('message', (message: Packet | Start) => {
        if ('ready' in message) {
          clearTimeout(late)
          child.isReady = true
          resolve(message.ready)
        } else if ('fatal' in message) reject(new FengsuiError(message.fatal.code, message.fatal.message))
        else route(message)
      })
      started.on('error', error => reject(new FengsuiError('process-start-failed', `${child.name}: ${error.message}`)))
      started.on('exit', (code, signal) => {
        clearTimeout(late)
        child.process = null
        reject(new FengsuiError('process-start-failed', `${child.name} ended with ${signal ?? code} before it was ready`))
        ended(child, code, signal)
      })
      started.send({ configure: child.configuration })
    })
  }

  const firstStarts = new Set<Child>()
  function ended(child: Child, code: number | null, signal: NodeJS.Signals | null) {
    if (stopping || firstStarts.has(child)) return
    child.failures = Date.now() - child.since > STEADY_MS ? 0 : child.failures + 1
    const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(child.failures, 10)) * (0.75 + Math.random() / 2)
    o.log.error({ process: child.name, code, signal, restartInMs: Math.round(waitMs) }, 'a process ended and is started again')
    child.restarts += 1
    o.onRestart?.(child.name)
    child.timer = setTimeout(() => {
      launch(child).then(
        () => o.log.info({ process: child.name }, 'process is back'),
        // its end is seen by the exit event, which plans the next start
        (error: Error) => o.log.warn({ process: child.name, reason: error.message }, 'restart failed'),
      )
    }, waitMs)
  }

  /** Counts looks, not time: when this machine or this process was asleep, nobody is blamed for it. */
  function look(child: Child) {
    const running = child.process
    if (running === null || firstStarts.has(child)) return
    const hangs = child.isReady ? child.unanswered >= UNANSWERED_MAX : Date.now() - child.since > RESTART_MS_MAX
    if (hangs) {
      o.log.error({ process: child.name, pid: running.pid, ready: child.isReady }, 'a process hangs and is killed')
      running.kill('SIGKILL')
    }
    if (!child.isReady) return
    child.unanswered += 1
    if (child.unanswered > 1) return
    link.request(child.name, ALIVE, [], lookEveryMs * (UNANSWERED_MAX + 2)).then(
      () => {
        if (child.process === running) child.unanswered = 0
      },
      () => {}, // the count says it
    )
  }
  const lookEveryMs = o.lookEveryMs ?? LOOK_EVERY_MS
  const looking = setInterval(() => children.forEach(look), lookEveryMs)

  function childOf(name: string): Child {
    const known = children.get(name)
    if (known) return known
    const child: Child = {
      name,
      configuration: null,
      process: null,
      post: () => {},
      isReady: false,
      unanswered: 0,
      restarts: 0,
      failures: 0,
      since: Date.now(),
      timer: null,
    }
    children.set(name, child)
    return child
  }

  async function stopOne(child: Child) {
    if (child.timer) clearTimeout(child.timer)
    const running = child.process
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise<void>(resolve => running.once('exit', () => resolve()))
    // one that is just ending cannot be told any more, and need not be
    if (running.connected) running.send({ stop: true }, () => {})
    const timer = setTimeout(() => running.kill('SIGKILL'), STOP_MS_MAX)
    await gone
    clearTimeout(timer)
  }

  return {
    link,
    prepare: name => void spawn(childOf(name)),
    async start(name, configuration) {
      const child = childOf(name)
      child.configuration = configuration
      firstStarts.add(child)
      const ready = await launch(child)
      firstStarts.delete(child)
      return ready
    },
    states: () =>
      [...children.values()].map(c => ({
        name: c.name,
        up: c.process !== null && c.isReady && c.unanswered <= UNANSWERED_WORRYING,
        restarts: c.restarts,
        since: new Date(c.since).toISOString(),
        ...(c.process?.pid === undefined ? {} : { pid: c.process.pid }),
      })),
    async stop() {
      stopping = true
      clearInterval(looking)
      for (const child of [...children.values()].toReversed()) await stopOne(child)
    },
  }
}

// Keeps one Node-RED process alive: probes it from outside, kills it when it hangs, restarts it with back-off and jitter, and puts the
// previous flows back when a deploy ends it twice. Never throws into who started it: flows being dead changes nothing for alarms.
import type { Clock, Log } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { costTeller, type Bounds } from './bounds.ts'
import { prepareChild, type Child, type Prepared } from './child.ts'
import type { FromChild, Start, ToChild } from './link.ts'
import type { FlowStore } from './store.ts'
import { watch, type Probing, type Signs } from './watch.ts'

export type Restart = Probing & {
  firstMs: number
  maxMs: number
  /** a process that ends this soon after its start or after a deploy counts against the flows it ran; one that lives longer proves them */
  provenAfterMs: number
  failuresMax: number
  /** a second process is prepared when the first has answered for this long: it has loaded all but the flows, and takes over in a fraction of a start */
  spareAfterMs: number
  /** after a hang of flows that nobody undid, how long their functions are watched one by one */
  carefulMs: number
}
export const RESTART: Restart = {
  probeEveryMs: 1000,
  missesMax: 3,
  startMsMax: 20_000,
  firstMs: 250,
  maxMs: 30_000,
  provenAfterMs: 20_000,
  failuresMax: 2,
  spareAfterMs: 10_000,
  carefulMs: 600_000,
}

type Options = {
  start: Start
  bounds: Bounds
  store: FlowStore
  restart: Restart
  clock: Clock
  random: () => number
  log: Log
  meter: Meter
  on: (message: unknown, child: Child) => void
}

export type Supervisor = {
  /** resolves when the process first answers, or first fails */
  settled: Promise<void>
  status: () => { ok: boolean; detail: string }
  pid: () => number | undefined
  tell: (message: ToChild) => void
  /** a deploy: the flows that run now have to prove themselves again */
  deployed: () => void
  close: () => Promise<void>
}

export function supervise(o: Options): Supervisor {
  const { start, store, restart, clock, log, bounds } = o
  const closing = new AbortController()
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  let child: Child | undefined
  let up = false
  let detail = 'starting'
  let note = ''
  let since = clock.nowMs()
  let failures = 0
  let hung = false
  let carefulUntilMs = 0
  let spare: Prepared | undefined

  /** The next life: the one that stands by, or a new one. */
  function next(): Prepared {
    const prepared = spare ?? prepareChild({ start, bounds })
    spare = undefined
    return prepared
  }
  function standBy(): void {
    if (spare !== undefined || closing.signal.aborted) return
    const one = prepareChild({ start, bounds })
    spare = one
    void one.ended.then(() => {
      if (spare === one) spare = undefined
    })
  }

  const url = `http://${start.host}:${start.port}/flows/auth/login`

  async function live(): Promise<void> {
    for (let delayMs = restart.firstMs; !closing.signal.aborted; delayMs = Math.min(delayMs * 2, restart.maxMs)) {
      const ended = await oneLife()
      if (closing.signal.aborted) return
      if (ended !== 'young') delayMs = restart.firstMs
      o.meter.count('fengsui_process_restarts_total', { process: 'flows' })
      // what caused the end is undone: nothing to wait for
      if (ended === 'undone') continue
      await sleep(delayMs * (0.5 + o.random() / 2), undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  /** proven: it lived long enough to prove its flows; undone: they were at fault, and the ones before were put back */
  async function oneLife(): Promise<'young' | 'proven' | 'undone'> {
    const startedMs = (since = clock.nowMs())
    const signs: Signs = { heardMs: startedMs, ready: false }
    let ranFlows = false
    hung = false
    const stoodBy = spare !== undefined
    const cost = costTeller(o.meter, bounds.cpuShare)
    const life: Child = (child = next().begin(
      message => {
        signs.heardMs = clock.nowMs()
        if (isType(message, 'ready')) signs.ready = true
        if (isType(message, 'ask') && message.question === 'getFlows') ranFlows = true
        o.on(message, life)
      },
      { careful: isCareful() },
    ))
    const answered = (well: boolean): void => {
      if (well && !up)
        log.info({ room: 'flows', pid: life.pid, stoodBy, tookMs: Math.round(clock.nowMs() - startedMs) }, 'Node-RED answers')
      up = well
      const heldBack = cost(life.usage())
      if (!well) return
      if (carefulUntilMs > 0 && !isCareful()) trust()
      detail = `on port ${start.port}${heldBack}${isCareful() ? ', after a hang functions are stopped after 1 s' : ''}`
      settle()
      if (clock.nowMs() - startedMs > restart.spareAfterMs) standBy()
      if (clock.nowMs() - since > restart.provenAfterMs) prove()
    }
    const over = new AbortController()
    const watching = watch({ url, signs, probing: restart, clock, answered, over: over.signal }).then(why => {
      if (why === null) return
      log.error({ room: 'flows', why }, 'Node-RED is killed')
      hung = signs.ready
      life.kill()
    })
    const how = await life.ended
    over.abort()
    await watching
    up = false
    child = undefined
    const proved = clock.nowMs() - since > restart.provenAfterMs
    if (!closing.signal.aborted && died(how, proved, ranFlows)) return 'undone'
    return proved ? 'proven' : 'young'
  }

  /** A process that ended before it had the flows (a port in use, a slow machine) says nothing about them. */
  function died(how: string, proved: boolean, ranFlows: boolean): boolean {
    detail = `not running (${how}), starting again`
    log.error({ room: 'flows', how }, 'Node-RED ended; alarms do not depend on it')
    if (proved) failures = 0
    else if (ranFlows) failures += isItsOwnDoing(how) ? restart.failuresMax : 1
    const isUndone = failures >= restart.failuresMax && !store.current().proven && putBack(how)
    if (hung && !isUndone) carefulUntilMs = clock.nowMs() + restart.carefulMs
    settle()
    return isUndone
  }

  /**
   * A process that ends by an exception of its own, out of memory, or by our hand because it hung, right after a deploy: the flows did it. One
   * that somebody else killed may be innocent, and is tried once more.
   */
  const isItsOwnDoing = (how: string): boolean => hung || !how.startsWith('SIGKILL')

  function putBack(how: string): boolean {
    const bad = store.current()
    const good = store.putBack()
    if (good === null) return false
    failures = 0
    note = `revision ${bad.rev.slice(0, 12)} of ${bad.by} ended Node-RED (${how}); ${good.rev.slice(0, 12)} was put back`
    log.error({ room: 'flows', bad: bad.rev, by: bad.by, good: good.rev, how }, 'a bad deploy was undone')
    return true
  }

  /** One reading that makes a function loop would hang every life anew, since it comes again until it is done. */
  const isCareful = (): boolean => clock.nowMs() < carefulUntilMs
  function trust(): void {
    carefulUntilMs = 0
    child?.send({ type: 'careful', careful: false })
  }
  function prove(): void {
    failures = 0
    store.prove(store.current().rev)
  }

  void live().catch((error: Error) => {
    detail = `the supervisor of the flows stopped: ${error.message}`
    log.error({ room: 'flows', err: error }, 'the supervisor of the flows stopped')
    settle()
  })
  return {
    settled,
    status: () => ({ ok: up, detail: note === '' ? detail : `${detail}; ${note}` }),
    pid: () => child?.pid,
    tell: message => child?.send(message),
    deployed() {
      since = clock.nowMs()
      failures = 0
      note = ''
      trust()
    },
    async close() {
      closing.abort()
      spare?.kill()
      await child?.stop()
    },
  }
}

const isType = <T extends FromChild['type']>(message: unknown, type: T): message is Extract<FromChild, { type: T }> =>
  typeof message === 'object' && message !== null && (message as { type?: unknown }).type === type

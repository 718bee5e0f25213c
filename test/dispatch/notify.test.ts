// Sending: again with back-off, in order, never in the way of alarms, and what became of it stands in the timeline.
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { Log } from '#contracts/clock.ts'
import type { Notification, Notifier, Outcome } from '../../dispatch/notifiers/index.ts'
import { openWebhook } from '../../dispatch/notifiers/webhook.ts'
import {
  GIVE_UP_MS,
  IN_FLIGHT_MAX,
  RETRY_MS_MAX,
  RETRY_MS_MIN,
  retryMs,
  startNotify,
  WAITING_MAX,
  type Notify,
} from '../../dispatch/notify.ts'
import { FAILING_MIN, FAILING_MS } from '../../dispatch/failing.ts'
import type { OutboxRow } from '../../dispatch/outbox.ts'
import { BEHIND_MS } from '../../dispatch/schema-lean.ts'
import { codeOf, folder, NIGHT_MS, openDesk, raise, send, type TestDesk } from './desk.ts'
import { SECRET } from './notifier-conformance.ts'
import { startReceiver, TOKEN } from './receiver.ts'

const AT = (building: string): { place: { building: string } } => ({ place: { building } })

type Scripted = Notifier & { sent: Notification[]; open: number; mostOpen: number; answer: (n: Notification) => Outcome | Promise<Outcome> }
const scripted = (name = 'webhook'): Scripted => {
  const notifier: Scripted = {
    name,
    sent: [],
    open: 0,
    mostOpen: 0,
    answer: () => ({ outcome: 'delivered' }),
    async send(n) {
      notifier.sent.push(n)
      notifier.open += 1
      notifier.mostOpen = Math.max(notifier.mostOpen, notifier.open)
      try {
        return await notifier.answer(n)
      } finally {
        notifier.open -= 1
      }
    },
  }
  return notifier
}

const logged = (): { log: Log; lines: string[] } => {
  const lines: string[] = []
  const line = (fields: object, message: string): void =>
    void lines.push(
      `${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? (value.stack ?? value.message) : value))}`,
    )
  return { lines, log: { info: line, warn: line, error: line, debug: line } }
}

type Bench = TestDesk & { notify: Notify; lines: string[] } & AsyncDisposable
const bench = (notifiers: Notifier[], o: { file?: string; clock?: TestDesk['clock'] } = {}): Bench => {
  const desk = openDesk({ ...o, channels: notifiers.map(n => n.name) })
  const { log, lines } = logged()
  const notify = startNotify({ dispatch: desk.dispatch.outbox, notifiers, clock: desk.clock, log, meter: desk.meter, random: () => 1 })
  const end = async (): Promise<void> => {
    await notify.close()
    desk.dispatch.close()
  }
  return { ...desk, notify, lines, [Symbol.asyncDispose]: end }
}
const idle = (b: Bench): Promise<void> => expect.poll(() => b.notify.status().detail).toContain(' 0 waiting')
const timelineOf = (b: Bench, id: string): string[] =>
  (b.dispatch.incident(id)?.timeline ?? []).map(entry => `${entry.what} ${entry.note ?? ''}`.trim())

describe('delivering', () => {
  it('tells the receiver and the timeline', async () => {
    await using receiver = await startReceiver()
    const clock = openDesk().clock
    await using b = bench([openWebhook({ url: receiver.url, secret: SECRET }, { clock })], { clock })
    send(b.dispatch, raise({ id: 'a', deviceId: 'd1', ...AT('x') }), raise({ id: 'b', deviceId: 'd2', ...AT('x') }))
    b.notify.wake()
    await idle(b)
    const id = b.dispatch.incidents({ limit: 1 })[0]?.id ?? ''
    expect(receiver.got.map(r => r.headers['idempotency-key'])).toEqual([`${id}.opened`, `${id}.confirmed`, `${id}.handover-1`])
    expect(timelineOf(b, id).filter(line => line.startsWith('notified'))).toHaveLength(3)
    expect(b.counted.filter(line => line.startsWith('fengsui_notifications_total'))).toEqual(
      Array(3).fill('fengsui_notifications_total webhook delivered'),
    )
    expect(b.dispatch.verifyAudit().ok).toBe(true)
  })

  it('tries again under the same key until it is taken, in order, and lets other incidents pass', async () => {
    const notifier = scripted()
    let down = true
    notifier.answer = n =>
      down && n.incident.place?.building === 'x' ? { outcome: 'retry', reason: 'answered 500' } : { outcome: 'delivered' }
    await using b = bench([notifier])
    send(b.dispatch, raise({ id: 'a', deviceId: 'd1', ...AT('x') }), raise({ id: 'b', deviceId: 'd2', ...AT('x') }))
    send(b.dispatch, raise({ id: 'c', ...AT('y') }))
    await expect.poll(() => b.notify.status().detail).toContain('3 waiting')
    await expect.poll(() => notifier.sent.length).toBe(2)
    for (let failures = 1; failures < 4; failures += 1) {
      const before = notifier.sent.length
      b.clock.add(retryMs(failures, 1) - 1)
      b.notify.wake()
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      expect(notifier.sent, 'not before its time').toHaveLength(before)
      b.clock.add(1)
      await expect.poll(() => notifier.sent.length).toBe(before + 1)
      await expect.poll(() => notifier.open).toBe(0)
      await new Promise(setImmediate)
    }
    down = false
    b.clock.add(RETRY_MS_MAX)
    await idle(b)
    const ofX = notifier.sent.filter(n => n.incident.place?.building === 'x').map(n => n.event)
    expect(ofX).toEqual([...Array<string>(5).fill('opened'), 'confirmed', 'handover'])
    expect(new Set(notifier.sent.map(n => n.id)).size).toBe(4)
  })

  it('has an end to what it tries', async () => {
    const notifier = scripted()
    notifier.answer = n =>
      n.event === 'opened' ? { outcome: 'retry', reason: 'answered 503' } : { outcome: 'never', reason: 'answered 400' }
    await using b = bench([notifier])
    send(b.dispatch, raise({ id: 'a', deviceId: 'd1', ...AT('x') }), raise({ id: 'b', deviceId: 'd2', ...AT('x') }))
    await expect.poll(() => b.notify.status().detail).toContain('3 waiting')
    await expect.poll(() => b.lines.length).toBe(1)
    b.clock.add(GIVE_UP_MS)
    await idle(b)
    const id = b.dispatch.incidents({ limit: 1 })[0]?.id ?? ''
    expect(timelineOf(b, id).filter(line => line.startsWith('not-notified'))).toEqual([
      'not-notified answered 503',
      'not-notified answered 400',
      'not-notified answered 400',
    ])
    expect(b.counted.filter(line => line.endsWith(' gave-up'))).toHaveLength(3)
    expect(notifier.sent.map(n => n.event)).toEqual(['opened', 'opened', 'confirmed', 'handover'])
  })

  it('leaves the receiver alone for as long as it asks', async () => {
    const notifier = scripted()
    notifier.answer = () => ({ outcome: 'retry', reason: 'answered 429', afterMs: 60_000 })
    await using b = bench([notifier])
    send(b.dispatch, raise({ id: 'a', ...AT('x') }))
    await expect.poll(() => b.lines.length).toBe(1)
    notifier.answer = () => ({ outcome: 'delivered' })
    send(b.dispatch, raise({ id: 'b', ...AT('y') }))
    b.clock.add(59_999)
    b.notify.wake()
    await new Promise(setImmediate)
    expect(notifier.sent).toHaveLength(1)
    b.clock.add(1)
    await idle(b)
    expect(notifier.sent).toHaveLength(3)
  })

  it('goes on after a restart where it was, not sooner', async () => {
    using dir = folder()
    const notifier = scripted()
    notifier.answer = () => ({ outcome: 'retry', reason: 'answered 500' })
    const { clock } = openDesk()
    {
      await using b = bench([notifier], { file: dir.file, clock })
      send(b.dispatch, raise({ id: 'a' }))
      await expect.poll(() => b.lines.length).toBe(1)
    }
    notifier.answer = () => ({ outcome: 'delivered' })
    await using b = bench([notifier], { file: dir.file, clock })
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(notifier.sent).toHaveLength(1)
    clock.add(RETRY_MS_MIN)
    await idle(b)
    expect(notifier.sent.map(n => n.id)).toEqual([notifier.sent[0]?.id, notifier.sent[0]?.id])
  })
})

describe('a receiver that is no good', () => {
  it('changes nothing for alarms', async () => {
    await using receiver = await startReceiver(() => 'hang')
    const { clock } = openDesk()
    const alone = openDesk({ clock })
    const fires = Array.from({ length: 40 }, (_, i) => raise({ id: `a${i}`, ...AT(`house ${i}`) }))
    const b = bench([openWebhook({ url: receiver.url, secret: SECRET }, { clock })], { clock })
    for (const fire of fires) expect(send(b.dispatch, fire)).toEqual(send(alone.dispatch, fire))
    await expect.poll(() => receiver.got.length).toBe(IN_FLIGHT_MAX)
    expect(b.notify.status()).toMatchObject({ ok: true, detail: expect.stringContaining('40 waiting') })
    // a stop does not wait for it, and is no failed attempt
    await b.notify.close()
    expect(b.dispatch.outbox.due('webhook', NIGHT_MS, 99).map(row => row.attempts)).toEqual(Array(40).fill(0))
    b.dispatch.close()
  })

  it('gets no more than its share at once, and does not hold up another', async () => {
    const [slow, quick] = [scripted('slow'), scripted('quick')]
    const gate = Promise.withResolvers<Outcome>()
    slow.answer = () => gate.promise
    await using b = bench([slow, quick])
    send(b.dispatch, ...Array.from({ length: 20 }, (_, i) => raise({ id: `a${i}`, ...AT(`house ${i}`) })))
    await expect.poll(() => quick.sent.length).toBe(20)
    expect(slow.sent).toHaveLength(IN_FLIGHT_MAX)
    gate.resolve({ outcome: 'delivered' })
    await expect.poll(() => slow.sent.length).toBe(20)
    await expect.poll(() => b.notify.status().detail).toMatch(/slow: 0 waiting; quick: 0 waiting/)
    expect(slow.mostOpen).toBe(IN_FLIGHT_MAX)
  })

  it('lets no secret into log, timeline or health line', async () => {
    await using receiver = await startReceiver(() => 'reset')
    const { clock } = openDesk()
    const broken: Notifier = {
      name: 'broken',
      send: async () => {
        throw new TypeError(`cannot reach https://${SECRET}@example.org`)
      },
    }
    await using b = bench([openWebhook({ url: receiver.url, secret: SECRET }, { clock }), broken], { clock })
    send(b.dispatch, raise({ id: 'a' }))
    await expect.poll(() => b.lines.length).toBe(2)
    clock.add(GIVE_UP_MS)
    await expect.poll(() => b.lines.length).toBe(4)
    const id = b.dispatch.incidents({ limit: 1 })[0]?.id ?? ''
    const said = JSON.stringify([b.lines, b.notify.status(), b.dispatch.incident(id), b.dispatch.audit({ limit: 99 })])
    expect(said).toContain('the notifier broke: TypeError')
    for (const secret of [SECRET, TOKEN, '127.0.0.1']) expect(said).not.toContain(secret)
  })
})

describe('bounds', () => {
  it('says so at 100,000 undelivered, and keeps on taking', async () => {
    using dir = folder()
    const first = openDesk({ file: dir.file, channels: ['webhook'] })
    send(first.dispatch, raise({ id: 'a', ...AT('x') }))
    const id = first.dispatch.incidents({ limit: 1 })[0]?.id ?? ''
    first.dispatch.close()
    const db = new DatabaseSync(dir.file)
    db.exec(`WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${WAITING_MAX - 2})
      INSERT INTO outbox (id, channel, incident_id, state, attempts, created_ms, due_ms, json)
      SELECT 'w-' || i, 'webhook', '${id}', 'waiting', 0, 0, ${BEHIND_MS}, '{}' FROM n`)
    db.close()
    const hanging = scripted()
    hanging.answer = () => new Promise(() => {})
    await using b = bench([hanging], { file: dir.file })
    expect(b.notify.status().ok).toBe(true)
    send(b.dispatch, raise({ id: 'b', ...AT('y') }))
    expect(b.notify.status()).toMatchObject({ ok: false, detail: expect.stringContaining('100000 waiting') })
    send(b.dispatch, raise({ id: 'c', ...AT('z') }))
    expect(b.notify.status().detail).toContain('100001 waiting')
  })

  it('says when nothing goes out, long before the rows pile up, and that it goes out again', async () => {
    const notifier = scripted()
    notifier.answer = async () => ({ outcome: 'retry', reason: 'answered 401' })
    await using b = bench([notifier])
    send(b.dispatch, raise({ id: 'a', ...AT('x') }))
    for (let failures = 1; failures <= FAILING_MIN; failures++) {
      await expect.poll(() => b.lines.length).toBe(failures)
      expect(b.notify.status().ok, `after ${failures} failures at once`).toBe(true)
      b.clock.add(retryMs(failures, 1))
    }
    b.clock.add(FAILING_MS)
    expect(b.notify.status()).toMatchObject({ ok: false, troubles: ['failing'], detail: expect.stringContaining('nothing goes out since') })
    notifier.answer = async () => ({ outcome: 'delivered' })
    await expect.poll(() => b.notify.status()).toEqual({ ok: true, detail: 'webhook: 0 waiting' })
  })

  it('does not take what has nothing to send for a channel that fails', async () => {
    const notifier = scripted()
    notifier.answer = async () => ({ outcome: 'never', reason: 'CAP has no message of this event', unsent: true })
    await using b = bench([notifier])
    for (const building of ['x', 'y', 'z', 'q']) send(b.dispatch, raise({ id: building, ...AT(building) }))
    await expect.poll(() => b.lines.length).toBe(4)
    b.clock.add(FAILING_MS)
    expect(b.notify.status()).toEqual({ ok: true, detail: 'webhook: 0 waiting' })
  })

  it('survives a database that refuses, says so, and sends again under the same key', async () => {
    const notifier = scripted()
    const { dispatch, clock, meter } = openDesk({ channels: ['webhook'] })
    const { log, lines } = logged()
    let full = true
    const refused = (): never => {
      throw new Error('database or disk is full')
    }
    const outbox = {
      ...dispatch.outbox,
      delivered: (row: OutboxRow) => (full ? refused() : dispatch.outbox.delivered(row)),
      backlog: (channel: string) => (full && notifier.sent.length === 0 ? refused() : dispatch.outbox.backlog(channel)),
    }
    send(dispatch, raise({ id: 'a' }))
    const notify = startNotify({ dispatch: outbox, notifiers: [notifier], clock, log, meter })
    expect(notify.status()).toMatchObject({ ok: false, detail: expect.stringContaining('disk is full') })
    await expect.poll(() => lines.length).toBe(1)
    expect(notify.status()).toMatchObject({
      ok: false,
      detail: 'webhook: 1 waiting, the oldest since 2026-03-12T14:40:00.000Z, database or disk is full',
    })
    full = false
    clock.add(RETRY_MS_MIN)
    await expect.poll(() => notify.status()).toEqual({ ok: true, detail: 'webhook: 0 waiting' })
    expect(notifier.sent.map(n => n.id)).toEqual([notifier.sent[0]?.id, notifier.sent[0]?.id])
    await notify.close()
    dispatch.close()
  })

  it('waits 2 s to 5 min, cut by up to a half', () => {
    expect([1, 2, 3, 8, 9, 1000].map(failures => retryMs(failures, 1))).toEqual([2_000, 4_000, 8_000, 256_000, 300_000, 300_000])
    expect(retryMs(1, 0)).toBe(RETRY_MS_MIN / 2)
  })

  it('dies at two notifiers of one name', () => {
    const { dispatch, clock, meter } = openDesk()
    const two = { dispatch: dispatch.outbox, notifiers: [scripted(), scripted()], clock, meter, log: logged().log }
    expect(codeOf(() => startNotify(two))).toBe('setting-invalid')
  })
})

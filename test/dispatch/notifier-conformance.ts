// What every notifier that speaks HTTP must do, against a real server that fails on purpose: say whether trying again helps, end in
// time, follow no redirect, send the same key each time, and let no secret out.
import { afterAll, describe, expect, it } from 'vitest'
import type { Notification, Notifier, Outcome } from '../../dispatch/notifiers/index.ts'
import { iso, NIGHT_MS } from './desk.ts'
import { closedPort, startReceiver, TOKEN, type Answer } from './receiver.ts'

export const SECRET = 'a secret of more than 16 characters'
/** On a clock that stands at NIGHT_MS. */
export type Opening = { url: string; secret: string; timeoutMs: number }

export const notification: Notification = {
  id: 'F0312-7K3QX2.opened',
  event: 'opened',
  at: iso(NIGHT_MS),
  text: { zh: '新警情（II 级）：火灾报警 · 3 栋', en: 'New incident, level II: Fire alarm · 3' },
  incident: {
    id: 'F0312-7K3QX2',
    kind: 'fire-alarm',
    severity: 2,
    state: 'new',
    title: { zh: '火灾报警 · 3 栋', en: 'Fire alarm · 3' },
    openedAt: iso(NIGHT_MS),
    queuedAt: iso(NIGHT_MS),
    lastAt: iso(NIGHT_MS),
    activeAlarms: 1,
    unacknowledgedAlarms: 1,
  },
}

/** `accepts`: the body of a good answer, for those who say yes or no in it; `to`: for channels that need an address */
export type Kind = { accepts?: string; to?: string; contentType?: string }

export const notifierConformance = (name: string, open: (o: Opening) => Notifier, kind: Kind = {}): void => {
  const reasons: string[] = []
  const opened = (url: string, timeoutMs = 10_000): Notifier => open({ url, secret: SECRET, timeoutMs })
  const send = async (notifier: Notifier, signal = new AbortController().signal): Promise<Outcome> => {
    const outcome = await notifier.send(notification, signal, kind.to)
    if (outcome.outcome !== 'delivered') reasons.push(outcome.reason)
    return outcome
  }
  const answered = async (answer: Answer, timeoutMs?: number): Promise<Outcome> => {
    await using receiver = await startReceiver(() => answer)
    const outcome = await send(opened(receiver.url, timeoutMs))
    expect(receiver.got, 'one attempt, one request').toHaveLength(1)
    return outcome
  }

  describe(`${name} as a notifier`, () => {
    it('has a name fit for rows and metrics', () => expect(opened('http://127.0.0.1:1/').name).toMatch(/^[a-z][a-z0-9-]{1,30}$/))

    it.each(kind.accepts === undefined ? [200, 201, 202, 204] : [200, 201, 202])('has delivered when the answer is %i', async status =>
      expect(await answered({ status, ...(kind.accepts !== undefined && { body: kind.accepts }) })).toEqual({ outcome: 'delivered' }),
    )

    it.each([408, 425, 429, 500, 502, 503, 504])('tries again after %i', async status =>
      expect(await answered({ status })).toEqual({ outcome: 'retry', reason: `answered ${status}` }),
    )

    it.each([400, 401, 403, 404, 410, 413, 422])('never tries again after %i', async status =>
      expect(await answered({ status })).toEqual({ outcome: 'never', reason: `answered ${status}` }),
    )

    it.each([301, 302, 303, 307, 308])('does not follow a %i', async status => {
      await using elsewhere = await startReceiver()
      expect(await answered({ status, headers: { location: elsewhere.url } })).toMatchObject({ outcome: 'retry' })
      expect(elsewhere.got).toEqual([])
    })

    it.each<[string, string, number | undefined]>([
      ['seconds', '7', 7_000],
      ['a date', new Date(NIGHT_MS + 90_000).toUTCString(), 90_000],
      ['a date that is over', new Date(NIGHT_MS - 90_000).toUTCString(), 0],
      ['for ever', '99999999999', 3_600_000],
      ['nonsense', 'soon', undefined],
    ])('hears Retry-After: %s', async (_what, value, afterMs) => {
      const expected = { outcome: 'retry', reason: 'answered 429', ...(afterMs !== undefined && { afterMs }) }
      expect(await answered({ status: 429, headers: { 'retry-after': value } })).toEqual(expected)
    })

    it('ends when nobody answers', async () =>
      expect(await answered('hang', 200)).toEqual({ outcome: 'retry', reason: 'no answer in time' }))
    it('tries again after a reset', async () => expect(await answered('reset')).toMatchObject({ outcome: 'retry' }))
    it('does not read an endless answer', async () =>
      expect(await answered('endless', 5_000)).toEqual(
        kind.accepts === undefined ? { outcome: 'delivered' } : { outcome: 'retry', reason: 'the answer was not understood' },
      ))

    it('tries again when nobody listens', async () => {
      const notifier = opened(`http://127.0.0.1:${await closedPort()}/?key=${TOKEN}`)
      expect(await send(notifier)).toEqual({ outcome: 'retry', reason: 'network: ECONNREFUSED' })
    })

    it('ends when it is stopped', async () => {
      await using receiver = await startReceiver(() => 'hang')
      const stop = new AbortController()
      const sent = send(opened(receiver.url), stop.signal)
      await expect.poll(() => receiver.got.length).toBe(1)
      stop.abort()
      expect(await sent).toEqual({ outcome: 'retry', reason: 'stopped while sending' })
    })

    it('sends the same key and the same body each time', async () => {
      await using receiver = await startReceiver(() => ({ status: 500 }))
      const notifier = opened(receiver.url)
      for (let i = 0; i < 3; i += 1) await send(notifier)
      expect(receiver.got.map(r => r.headers['idempotency-key'])).toEqual(Array(3).fill(notification.id))
      expect(new Set(receiver.got.map(r => r.body)).size).toBe(1)
      expect(receiver.got[0]?.headers['content-type']).toContain(kind.contentType ?? 'application/json')
    })

    it.each(['', 'not a url', 'ftp://127.0.0.1/', `https://user:${SECRET}@example.org/`, `${TOKEN}://x`])(
      'refuses the address %j without repeating it',
      url => {
        let said = ''
        try {
          opened(url)
        } catch (error) {
          said = String(error)
        }
        expect(said).toContain(' address ')
        expect(said).not.toContain(SECRET)
        expect(said).not.toContain(TOKEN)
      },
    )

    afterAll(() => {
      expect(reasons.length, 'attempts that failed above').toBeGreaterThan(20)
      for (const reason of reasons) {
        for (const secret of [SECRET, TOKEN, '127.0.0.1', 'the other side', ...(kind.to === undefined ? [] : [kind.to])])
          expect(reason).not.toContain(secret)
        expect(reason.length).toBeLessThan(100)
      }
    })
  })
}

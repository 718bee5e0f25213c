// Every notifier runs through the conformance suite; the blueprint too, so that a copy of it begins right. Then what is the webhook's own.
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openBlueprint } from '../../dispatch/notifiers/_blueprint.ts'
import { openNotifiers } from '../../dispatch/notifiers/index.ts'
import { openWebhook } from '../../dispatch/notifiers/webhook.ts'
import { codeOf, NIGHT_MS } from './desk.ts'
import { notification, notifierConformance, SECRET } from './notifier-conformance.ts'
import { startReceiver } from './receiver.ts'

const clock = { nowMs: () => NIGHT_MS }

notifierConformance('webhook', o => openWebhook(o, { clock }))
notifierConformance('blueprint', o => openBlueprint(o, { clock }))

describe('webhook', () => {
  it('signs time and body, so that neither can be changed', async () => {
    await using receiver = await startReceiver()
    const late = { nowMs: () => NIGHT_MS + 999 }
    await openWebhook({ url: receiver.url, secret: SECRET }, { clock: late }).send(notification, new AbortController().signal)
    const { headers, body = '' } = receiver.got[0] ?? {}
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers?.['fengsui-signature'])) ?? []
    expect(Number(t)).toBe(NIGHT_MS / 1000)
    expect(v1).toBe(createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex'))
    expect(JSON.parse(body)).toEqual(notification)
  })

  it('does not start with a secret that can be guessed', () => {
    expect(codeOf(() => openWebhook({ url: 'http://127.0.0.1/', secret: 'fifteen letters' }, { clock }))).toBe('setting-invalid')
  })
})

describe('the list of notifiers', () => {
  it('opens what is set and nothing else', () => {
    expect(openNotifiers({}, { clock })).toEqual([])
    const set = openNotifiers({ webhook: { url: 'http://127.0.0.1/', secret: SECRET } }, { clock })
    expect(set.map(n => n.name)).toEqual(['webhook'])
  })
})

// Every notifier runs through the conformance suite; the blueprint too, so that a copy of it begins right. Then what is the webhook's own.
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openCapPush } from '../../dispatch/notifiers/cap-push.ts'
import { openDingtalk } from '../../dispatch/notifiers/dingtalk.ts'
import { openFeishu } from '../../dispatch/notifiers/feishu.ts'
import { openSms, smsText } from '../../dispatch/notifiers/sms.ts'
import { openSmsAliyun } from '../../dispatch/notifiers/sms-aliyun.ts'
import { openWecom } from '../../dispatch/notifiers/wecom.ts'
import { openBlueprint } from '../../dispatch/notifiers/_blueprint.ts'
import { openNotifiers, type Notifier } from '../../dispatch/notifiers/index.ts'
import { openWebhook } from '../../dispatch/notifiers/webhook.ts'
import { codeOf, NIGHT_MS } from './desk.ts'
import { notification, notifierConformance, SECRET } from './notifier-conformance.ts'
import { startReceiver, TOKEN, type Received } from './receiver.ts'

const clock = { nowMs: () => NIGHT_MS }

notifierConformance('webhook', o => openWebhook(o, { clock }))
notifierConformance('blueprint', o => openBlueprint(o, { clock }))
notifierConformance('wecom', o => openWecom(o, { clock }), { accepts: '{"errcode":0,"errmsg":"ok"}' })
notifierConformance('dingtalk', o => openDingtalk(o, { clock }), { accepts: '{"errcode":0,"errmsg":"ok"}' })
notifierConformance('feishu', o => openFeishu(o, { clock }), { accepts: '{"code":0,"msg":"success"}' })
notifierConformance('cap', o => openCapPush({ ...o, token: SECRET }, { clock, messageOf: () => '<alert/>' }), {
  contentType: 'application/xml',
})
const fields = { mobile: '{to}', content: '{text}', ref: '{id}' }
notifierConformance('sms', o => openSms({ ...o, token: SECRET, fields }, { clock }), { to: '+8613800000000' })
const ALIYUN = { accessKeyId: 'LTAI-test', signName: '消防', templateCode: 'SMS_1' }
notifierConformance('sms-aliyun', o => openSmsAliyun({ ...o, ...ALIYUN, accessKeySecret: o.secret }, { clock }), {
  accepts: '{"Code":"OK","Message":"OK"}',
  to: '13800000000',
  contentType: 'application/x-www-form-urlencoded',
})

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

/** Sends once to a receiver that answers `body` and says what came of it. */
const once = async (open: (url: string) => Notifier, body: string, o: { status?: number; to?: string } = {}) => {
  await using receiver = await startReceiver(() => ({ status: o.status ?? 200, body }))
  const outcome = await open(receiver.url).send(notification, new AbortController().signal, o.to)
  return { outcome, got: receiver.got[0] as Received }
}

describe('robots', () => {
  it('are signed as each asks', async () => {
    const ding = await once(url => openDingtalk({ url, secret: SECRET }, { clock }), '{"errcode":0}')
    const query = new URL(ding.got.path, 'http://x').searchParams
    expect(query.get('timestamp')).toBe(String(NIGHT_MS))
    expect(query.get('sign')).toBe(createHmac('sha256', SECRET).update(`${NIGHT_MS}\n${SECRET}`).digest('base64'))
    expect(query.get('key'), 'the token of the address stays').toBe(TOKEN)
    const feishu = await once(url => openFeishu({ url, secret: SECRET }, { clock }), '{"code":0}')
    const sent = JSON.parse(feishu.got.body) as Record<string, unknown>
    expect(sent['sign']).toBe(
      createHmac('sha256', `${NIGHT_MS / 1000}\n${SECRET}`)
        .update('')
        .digest('base64'),
    )
    expect(sent).toMatchObject({ msg_type: 'text', content: { text: expect.stringContaining('F0312-7K3QX2') as string } })
    const wecom = await once(url => openWecom({ url, lang: 'en' }, { clock }), '{"errcode":0}')
    expect(JSON.parse(wecom.got.body)).toMatchObject({
      msgtype: 'text',
      text: { content: expect.stringContaining('New incident') as string },
    })
  })

  it.each([
    ['wecom', '{"errcode":45009,"errmsg":"freq"}', 'retry', 60_000],
    ['wecom', '{"errcode":-1}', 'retry', undefined],
    ['wecom', '{"errcode":93000,"errmsg":"invalid webhook url"}', 'never', undefined],
    ['dingtalk', '{"errcode":130101}', 'retry', 60_000],
    ['dingtalk', '{"errcode":310000,"errmsg":"sign not match"}', 'never', undefined],
    ['feishu', '{"code":9499}', 'retry', 10_000],
    ['feishu', '{"code":19021}', 'never', undefined],
    ['feishu', '<html>', 'retry', undefined],
  ])('%s that answers 200 %s: %s', async (name, body, outcome, afterMs) => {
    const open = { wecom: openWecom, dingtalk: openDingtalk, feishu: openFeishu }[name as 'feishu']
    const said = (await once(url => open({ url, secret: SECRET }, { clock }), body)).outcome
    expect(said).toMatchObject({ outcome, ...(afterMs !== undefined && { afterMs }) })
    expect(JSON.stringify(said)).not.toMatch(/freq|invalid|match|html/)
  })
})

describe('text messages', () => {
  it('go into the fields of the gateway, as JSON or as a form', async () => {
    const json = await once(url => openSms({ url, token: SECRET, fields }, { clock }), '', { to: '+8613800000000' })
    expect(JSON.parse(json.got.body)).toEqual({ mobile: '+8613800000000', content: smsText(notification, 'zh'), ref: notification.id })
    expect(json.got.headers.authorization).toBe(`Bearer ${SECRET}`)
    const form = await once(url => openSms({ url, format: 'form', fields, lang: 'en' }, { clock }), '', { to: '+8613800000000' })
    expect(new URLSearchParams(form.got.body).get('content')).toBe('New incident, level II: Fire alarm · 3 F0312-7K3QX2')
  })

  it('are refused where the gateway says so in its body, and need an address', async () => {
    const open = (url: string) => openSms({ url, fields, accepted: { field: 'code', value: 0 } }, { clock })
    expect((await once(open, '{"code":0}', { to: '138' })).outcome).toEqual({ outcome: 'delivered' })
    expect((await once(open, '{"code":7}', { to: '138' })).outcome).toEqual({ outcome: 'never', reason: 'answered with code 7' })
    expect((await once(open, '{"code":"<b>no money</b>"}', { to: '138' })).outcome).toEqual({
      outcome: 'never',
      reason: 'answered with a refusal',
    })
    expect(await open('http://127.0.0.1/').send(notification, new AbortController().signal)).toMatchObject({ outcome: 'never' })
    expect(codeOf(() => openSms({ url: 'http://127.0.0.1/', fields: { a: '{to}' } }, { clock }))).toBe('setting-invalid')
  })

  it('are signed as Aliyun asks, over every field, and its codes are understood', async () => {
    const open = (url: string) =>
      openSmsAliyun({ url, ...ALIYUN, accessKeySecret: SECRET, variables: { what: 'text', n: 'level' } }, { clock })
    const { got, outcome } = await once(open, '{"Code":"OK"}', { to: '138 0000 0000' })
    expect(outcome).toEqual({ outcome: 'delivered' })
    const sent = Object.fromEntries(new URLSearchParams(got.body))
    const { Signature: signature, ...rest } = sent
    const encode = (text: string) => encodeURIComponent(text).replaceAll(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))
    const query = sorted.map(([k, v]) => `${encode(k)}=${encode(v)}`).join('&')
    expect(signature).toBe(
      createHmac('sha1', `${SECRET}&`)
        .update(`POST&%2F&${encode(query)}`)
        .digest('base64'),
    )
    expect(sent).toMatchObject({
      Action: 'SendSms',
      PhoneNumbers: '13800000000',
      OutId: notification.id,
      Timestamp: '2026-03-12T14:40:00Z',
    })
    expect(JSON.parse(sent['TemplateParam'] ?? '')).toEqual({ what: notification.text.zh, n: 'II' })
    for (const [body, status, expected] of [
      ['{"Code":"isv.BUSINESS_LIMIT_CONTROL"}', 200, 'retry'],
      ['{"Code":"Throttling.User"}', 400, 'retry'],
      ['{"Code":"isp.SYSTEM_ERROR"}', 200, 'retry'],
      ['{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}', 200, 'never'],
      ['{"Code":"SignatureDoesNotMatch","Message":"secret words"}', 400, 'never'],
    ] as const)
      expect((await once(open, body, { status, to: '138' })).outcome, body).toMatchObject({ outcome: expected })
  })
})

describe('the list of notifiers', () => {
  it('opens what is set and nothing else', () => {
    expect(openNotifiers({}, { clock })).toEqual([])
    const set = openNotifiers({ webhook: { url: 'http://127.0.0.1/', secret: SECRET } }, { clock })
    expect(set.map(n => n.name)).toEqual(['webhook'])
  })
})

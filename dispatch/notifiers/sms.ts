// Sends text messages through an SMS gateway that takes one HTTP POST a message: JSON or a form, with fields of the gateway's own names.
// For the many gateways that are so; Aliyun has a file of its own. The token goes into the Authorization header, never into the address.
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { addressOf, codeWord, postForm, postJson } from './http.ts'
import { clipped, oneLine, type Lang } from './lines.ts'
import { NO_ADDRESS, type Notifier, type Notification } from './notifier.ts'

export type SmsOptions = {
  name?: string
  url: string
  /** `Authorization: Bearer <token>` */
  token?: string
  format?: 'json' | 'form'
  /** field of the gateway -> text with {to}, {text} and {id} in it */
  fields: Record<string, string>
  /** the answer's field that says yes, and its value then; without it the status alone counts */
  accepted?: { field: string; value: string | number | boolean }
  lang?: Lang
  timeoutMs?: number
}

/** three parts of a long message in Chinese (67 characters each) */
export const SMS_CHARACTERS_MAX = 200
const TELEPHONE = /^\+?[0-9][0-9 -]{2,30}$/

export const smsText = (n: Notification, lang: Lang): string => clipped(`${oneLine(n.text[lang])} ${n.incident.id}`, SMS_CHARACTERS_MAX)

export const isTelephone = (to: string): boolean => TELEPHONE.test(to)

/** @throws FengsuiError setting-invalid */
export const openSms = (o: SmsOptions, { clock }: { clock: Clock }): Notifier => {
  const name = o.name ?? 'sms'
  const address = addressOf(name, o.url)
  const all = Object.values(o.fields).join(' ')
  for (const needed of ['{to}', '{text}'])
    if (!all.includes(needed)) throw new FengsuiError('setting-invalid', `the fields of the ${name} do not hold ${needed}`)
  const { accepted } = o
  return {
    name,
    async send(n, signal, to) {
      if (to === undefined) return NO_ADDRESS
      const words: Record<string, string> = { to, text: smsText(n, o.lang ?? 'zh'), id: n.id }
      const fill = (template: string): string => template.replaceAll(/\{(to|text|id)\}/g, (_, key: string) => words[key] ?? '')
      const body = Object.fromEntries(Object.entries(o.fields).map(([field, template]) => [field, fill(template)]))
      const post = {
        address,
        headers: { 'idempotency-key': n.id, ...(o.token !== undefined && { authorization: `Bearer ${o.token}` }) },
        signal,
        nowMs: clock.nowMs(),
        ...(o.timeoutMs !== undefined && { timeoutMs: o.timeoutMs }),
        ...(accepted !== undefined && {
          judge: (answer: Record<string, unknown>) =>
            answer[accepted.field] === accepted.value
              ? ({ outcome: 'delivered' } as const)
              : ({ outcome: 'never', reason: codeWord(answer[accepted.field]) } as const),
        }),
      }
      return o.format === 'form'
        ? postForm({ ...post, body: new URLSearchParams(body).toString() })
        : postJson({ ...post, body: JSON.stringify(body) })
    },
  }
}

// Sends text messages through Aliyun's SendSms (API 2017-05-25), signed with HMAC-SHA1 over the sorted fields as its RPC style asks.
// A template of the operator is filled; its variables are cut to what the carrier takes. The answer's `Code` says yes or no.
import { createHash } from 'node:crypto'
import type { Clock } from '#contracts/clock.ts'
import { addressOf, codeWord, postForm } from './http.ts'
import { clipped, levelOf, oneLine, type Lang } from './lines.ts'
import { NO_ADDRESS, type Notification, type Notifier, type Outcome } from './notifier.ts'
import { checkedSecret, hmacBase64 } from './secret.ts'

export type SmsAliyunOptions = {
  name?: string
  /** https://dysmsapi.aliyuncs.com/ unless set */
  url?: string
  accessKeyId: string
  accessKeySecret: string
  signName: string
  templateCode: string
  /** variable of the template -> text, level, place, time or id */
  variables?: Record<string, 'text' | 'level' | 'place' | 'time' | 'id'>
  lang?: Lang
  timeoutMs?: number
}

const ENDPOINT = 'https://dysmsapi.aliyuncs.com/'
/** carriers refuse longer variables */
const VARIABLE_CHARACTERS_MAX = 35
const SECRET_CHARACTERS_MIN = 16
/** what can pass: the sender's own limits, and troubles of the system (isp.) */
const PASSING = /^(isv\.BUSINESS_LIMIT_CONTROL|isp\.|Throttling|ServiceUnavailable|InternalError|SignatureNonceUsed)/
const PAUSE_MS = 60_000

/** RFC 3986, which encodes what encodeURIComponent leaves: ! ' ( ) * */
const percent = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

const queryOf = (fields: Record<string, string>): string =>
  Object.keys(fields)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map(key => `${percent(key)}=${percent(fields[key] ?? '')}`)
    .join('&')

export const aliyunSignature = (secret: string, fields: Record<string, string>): string =>
  hmacBase64('sha1', `${secret}&`, `POST&${percent('/')}&${percent(queryOf(fields))}`)

export const judgeAliyun = ({ Code: given }: Record<string, unknown>): Outcome | null => {
  if (given === undefined) return null
  const code = typeof given === 'string' ? given : ''
  if (code === 'OK') return { outcome: 'delivered' }
  return PASSING.test(code)
    ? { outcome: 'retry', reason: codeWord(code), ...(code.startsWith('isv.') && { afterMs: PAUSE_MS }) }
    : { outcome: 'never', reason: codeWord(code) }
}

const VALUES: Record<'text' | 'level' | 'place' | 'time' | 'id', (n: Notification, lang: Lang) => string> = {
  text: (n, lang) => oneLine(n.text[lang]),
  level: n => levelOf(n),
  place: (n, lang) => oneLine(n.incident.title[lang]),
  time: n => n.incident.openedAt,
  id: n => n.incident.id,
}

/** @throws FengsuiError setting-invalid */
export const openSmsAliyun = (o: SmsAliyunOptions, { clock }: { clock: Clock }): Notifier => {
  const name = o.name ?? 'sms-aliyun'
  const address = addressOf(name, o.url ?? ENDPOINT)
  const secret = checkedSecret(name, o.accessKeySecret, SECRET_CHARACTERS_MIN)
  const variables = Object.entries(o.variables ?? { text: 'text' as const })
  const lang = o.lang ?? 'zh'
  return {
    name,
    async send(n, signal, to) {
      if (to === undefined) return NO_ADDRESS
      const nowMs = clock.nowMs()
      const timestamp = new Date(nowMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
      const filled = variables.map(([variable, what]) => [variable, clipped(VALUES[what](n, lang), VARIABLE_CHARACTERS_MAX)])
      const fields: Record<string, string> = {
        AccessKeyId: o.accessKeyId,
        Action: 'SendSms',
        Format: 'JSON',
        OutId: n.id,
        PhoneNumbers: to.replaceAll(/[ -]/g, ''),
        RegionId: 'cn-hangzhou',
        SignName: o.signName,
        SignatureMethod: 'HMAC-SHA1',
        // another attempt is another request: its time makes it so
        SignatureNonce: createHash('sha256').update(`${n.id} ${to} ${nowMs}`).digest('hex').slice(0, 32),
        SignatureVersion: '1.0',
        TemplateCode: o.templateCode,
        TemplateParam: JSON.stringify(Object.fromEntries(filled)),
        Timestamp: timestamp,
        Version: '2017-05-25',
      }
      const body = `${queryOf(fields)}&Signature=${percent(aliyunSignature(secret, fields))}`
      const headers = { 'idempotency-key': n.id }
      return postForm({
        address,
        headers,
        body,
        signal,
        nowMs,
        judge: judgeAliyun,
        ...(o.timeoutMs !== undefined && { timeoutMs: o.timeoutMs }),
      })
    },
  }
}

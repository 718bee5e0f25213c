// Sends mail over SMTP: plain text in both languages, one Message-ID a notification, so that a repeat can be told. A 4xx answer and
// everything about the line may pass, a 5xx answer is a verdict; only codes are told, never what the server wrote.
import { createRequire } from 'node:module'
import { linesOf, oneLine } from './lines.ts'
import { NO_ADDRESS, type Notification, type Notifier, type Outcome } from './notifier.ts'

export type EmailOptions = {
  name?: string
  host: string
  port: number
  /** tls: from the first byte (465); starttls: needed before anything is said; none: loopback and trusted lines only */
  security: 'tls' | 'starttls' | 'none'
  user?: string
  password?: string
  from: string
  /** PEM of the authority that signed the server's certificate, where that is not a public one */
  ca?: string
  timeoutMs?: number
}

const TIMEOUT_MS = 20_000
const MAIL = /^[^\s@<>"]{1,64}@[^\s@<>"]{1,255}$/

export const isMailAddress = (to: string): boolean => MAIL.test(to)

type SmtpError = { code?: unknown; responseCode?: unknown; command?: unknown }

/** A log-in or a TLS that is refused may be put right while the mail waits. */
const MENDABLE: ReadonlySet<unknown> = new Set(['EAUTH', 'ETLS'])

export const judgeSmtp = ({ code, responseCode }: SmtpError): Outcome => {
  if (typeof responseCode === 'number' && responseCode >= 500 && !MENDABLE.has(code))
    return { outcome: 'never', reason: `answered ${responseCode}` }
  if (typeof responseCode === 'number') return { outcome: 'retry', reason: `answered ${responseCode}` }
  return { outcome: 'retry', reason: typeof code === 'string' && /^E[A-Z]{2,20}$/.test(code) ? `network: ${code}` : 'network error' }
}

const messageOf = (n: Notification, from: string, to: string) => ({
  from,
  to,
  subject: oneLine(`${n.text.zh} / ${n.text.en}`),
  text: `${linesOf(n, 'zh')}\n\n${linesOf(n, 'en')}\n`,
  textEncoding: 'base64' as const,
  messageId: `<${encodeURIComponent(n.id)}@fengsui>`,
  // mail programs that sort by it show a fire first
  ...(n.incident.severity === 1 && { priority: 'high' as const }),
  headers: { 'auto-submitted': 'auto-generated' },
})

const require = createRequire(import.meta.url)

export const openEmail = (o: EmailOptions): Notifier => {
  // loaded when a channel is opened, which is at the start: most systems send no mail
  const { createTransport } = require('nodemailer') as typeof import('nodemailer')
  const timeoutMs = o.timeoutMs ?? TIMEOUT_MS
  const transport = createTransport({
    host: o.host,
    port: o.port,
    secure: o.security === 'tls',
    requireTLS: o.security === 'starttls',
    ignoreTLS: o.security === 'none',
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(o.user !== undefined && { auth: { user: o.user, pass: o.password ?? '' } }),
    ...(o.ca !== undefined && { tls: { ca: o.ca } }),
  })
  return {
    name: o.name ?? 'email',
    async send(n, _signal, to) {
      if (to === undefined) return NO_ADDRESS
      try {
        await transport.sendMail(messageOf(n, o.from, to))
        return { outcome: 'delivered' }
      } catch (error) {
        return judgeSmtp(error as SmtpError)
      }
    },
  }
}

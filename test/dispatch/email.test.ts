// Mail against a real SMTP server on loopback that refuses, drops and stalls on purpose; no secret and no word of its own leaks.
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { describe, expect, it } from 'vitest'
import { openEmail } from '../../dispatch/notifiers/email.ts'
import { notification, SECRET } from './notifier-conformance.ts'
import { closedPort } from './receiver.ts'

const TO = 'chen@station.example'
type Mail = { from: string; to: string[]; data: string; secured: boolean }

const startMailServer = async (o: SMTPServerOptions = {}) => {
  const got: Mail[] = []
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    logger: false,
    onData(stream, session, done) {
      let data = ''
      stream.on('data', (part: Buffer) => (data += part.toString('utf8')))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        got.push({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(r => r.address), data, secured: session.secure })
        done()
      })
    },
    ...o,
  })
  server.on('error', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return { port, got, [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())) }
}
const open = (port: number, more: { user?: string; password?: string; security?: 'none' | 'starttls' } = {}) =>
  openEmail({ host: '127.0.0.1', port, security: 'none', from: 'fengsui@district.example', timeoutMs: 1_000, ...more })
const signal = new AbortController().signal
const refusal = (code: number) => Object.assign(new Error(`words of the server ${SECRET}`), { responseCode: code })

describe('mail', () => {
  it('is delivered once, in both languages, under a Message-ID that a repeat shares', async () => {
    await using server = await startMailServer()
    const email = open(server.port)
    expect(await email.send(notification, signal, TO)).toEqual({ outcome: 'delivered' })
    await email.send(notification, signal, TO)
    const ids = server.got.map(mail => /^message-id: (.+)$/im.exec(mail.data)?.[1])
    expect(new Set(ids).size).toBe(1)
    expect(server.got[0]).toMatchObject({ from: 'fengsui@district.example', to: [TO] })
    const body = Buffer.from(server.got[0]!.data.split('\r\n\r\n').slice(1).join('\r\n\r\n'), 'base64').toString('utf8')
    expect(body).toContain('火灾报警')
    expect(body).toContain('New incident, level II')
  })

  it('takes nothing out of a name into its headers', async () => {
    await using server = await startMailServer()
    const evil = { ...notification, text: { zh: '火\r\nBcc: all@example.org\r\n\r\nhello', en: 'x\nX-Evil: 1' } }
    await open(server.port).send(evil, signal, TO)
    const head = server.got[0]!.data.split('\r\n\r\n', 1)[0]!
    expect(head).not.toMatch(/^(bcc|x-evil):/im)
    expect(server.got[0]!.to).toEqual([TO])
  })

  it.each([
    [451, 'retry'],
    [421, 'retry'],
    [550, 'never'],
    [552, 'never'],
  ])('that is answered %i: %s', async (code, outcome) => {
    await using server = await startMailServer({ onRcptTo: (_address, _session, done) => done(refusal(code)) })
    expect(await open(server.port).send(notification, signal, TO)).toEqual({ outcome, reason: `answered ${code}` })
  })

  it('waits for a log-in to be put right', async () => {
    await using server = await startMailServer({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (_auth, _s, done) => done(refusal(535)),
    })
    const said = await open(server.port, { user: 'fengsui', password: SECRET }).send(notification, signal, TO)
    expect(said).toEqual({ outcome: 'retry', reason: 'answered 535' })
  })

  it.each<[string, () => Promise<{ port: number } & AsyncDisposable>]>([
    ['nobody listens', async () => ({ port: await closedPort(), async [Symbol.asyncDispose]() {} })],
    ['the server says nothing', () => startMailServer({ onConnect: () => {} })],
    [
      'it hangs up',
      () => startMailServer({ onConnect: (session, _done) => void setImmediate(() => void session), closeTimeout: 10, socketTimeout: 50 }),
    ],
  ])('is tried again when %s', async (_what, start) => {
    await using server = await start()
    const said = await open(server.port).send(notification, signal, TO)
    expect(said).toMatchObject({ outcome: 'retry' })
    expect(JSON.stringify(said)).not.toMatch(/127\.0\.0\.1|example/)
  })

  it('is never sent in the clear where TLS was asked for', async () => {
    await using server = await startMailServer()
    const said = await open(server.port, { security: 'starttls', user: 'fengsui', password: SECRET }).send(notification, signal, TO)
    expect(said).toMatchObject({ outcome: 'retry' })
    expect(server.got).toEqual([])
  })

  it('needs an address', async () => expect(await open(1).send(notification, signal)).toMatchObject({ outcome: 'never' }))
})

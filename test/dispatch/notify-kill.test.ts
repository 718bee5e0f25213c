// kill -9 after the receiver has answered and before that is on disk: told again under the same key, nothing lost, nothing told twice
// under two keys, the order of each incident kept.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { folder, openDesk } from './desk.ts'
import { SECRET } from './notifier-conformance.ts'
import { startReceiver } from './receiver.ts'

const TELLER = join(import.meta.dirname, 'teller.ts')

/** How the child ended: its signal, or its exit code with what it complained about. */
const tell = (...args: string[]): Promise<string> => {
  const child = spawn(process.execPath, [TELLER, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  return new Promise(resolve => child.once('exit', (code, signal) => resolve(signal ?? `${code} ${complaints}`.trim())))
}

it('tells at least once, each under one key, in order', async () => {
  using dir = folder()
  await using receiver = await startReceiver()
  for (const mark of ['1', '2', '3']) expect(await tell(dir.file, receiver.url, SECRET, mark)).toBe('SIGKILL')
  expect(await tell(dir.file, receiver.url, SECRET)).toBe('0')

  const bodies = new Map<string, Set<string>>()
  for (const { headers, body } of receiver.got) {
    const key = String(headers['idempotency-key'])
    bodies.set(key, (bodies.get(key) ?? new Set()).add(body))
  }
  // at least the three that were answered and not written down came twice; each of the twelve events under one key, word for word
  expect(receiver.got.length).toBeGreaterThanOrEqual(12 + 3)
  expect([...bodies.values()].map(said => said.size)).toEqual(Array(12).fill(1))

  const { dispatch } = openDesk({ file: dir.file, channels: ['webhook'] })
  const incidents = dispatch.incidents({ limit: 9 })
  expect(incidents).toHaveLength(3)
  for (const { id } of incidents) {
    const keys = receiver.got.map(r => String(r.headers['idempotency-key'])).filter(key => key.startsWith(`${id}.`))
    const order = keys.map(key => ['opened', 'confirmed', 'handover', 'closed'].findIndex(event => key.startsWith(`${id}.${event}`)))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(new Set(order)).toEqual(new Set([0, 1, 2, 3]))
    const told = dispatch
      .incident(id)
      ?.timeline.filter(entry => entry.what === 'notified')
      .map(entry => entry.text?.en)
    expect(told).toEqual(['Told webhook: opened', 'Told webhook: confirmed', 'Told webhook: hand-over to 119', 'Told webhook: closed'])
  }
  expect(dispatch.outbox.backlog('webhook').waiting).toBe(0)
  expect(dispatch.verifyAudit().ok).toBe(true)
  dispatch.close()
})

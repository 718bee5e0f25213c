// docs/notify.md is what the makers of receivers read: its example is what is sent, its recipe accepts it, its numbers are ours.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { POST_TIMEOUT_MS, RETRY_AFTER_MS_MAX } from '../../dispatch/notifiers/http.ts'
import { NOTIFICATION_EVENTS } from '../../dispatch/notifiers/notifier.ts'
import { openWebhook } from '../../dispatch/notifiers/webhook.ts'
import { GIVE_UP_MS, IN_FLIGHT_MAX, RETRY_MS_MAX, retryMs, WAITING_MAX } from '../../dispatch/notify.ts'
import { FINISHED_KEPT } from '../../dispatch/outbox.ts'
import { MINUTE_MS, NIGHT_MS, openDesk, raise, send } from './desk.ts'
import { startReceiver, type Received } from './receiver.ts'

const doc = readFileSync(join(import.meta.dirname, '../../docs/notify.md'), 'utf8')
const words = doc.replaceAll(/\s+/g, ' ')
const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(doc)?.[1] ?? ''
const SECRET = 'shared by the two of us'

/** A fire in a kitchen, confirmed by the detector next door. */
const sent = async (): Promise<Received> => {
  await using receiver = await startReceiver()
  const { dispatch, clock } = openDesk({ channels: ['webhook'] })
  const kitchen = { place: { area: '玄武区', building: '3 栋', floor: '12', room: '1204' }, position: { lat: 32.0482, lon: 118.7969 } }
  send(dispatch, raise({ id: 'kitchen', deviceId: 'smoke-1204', ...kitchen }))
  clock.add(MINUTE_MS)
  const next = { ...kitchen, place: { ...kitchen.place, room: '1205' } }
  send(dispatch, raise({ id: 'next-door', deviceId: 'smoke-1205', atMs: NIGHT_MS + MINUTE_MS - 2_000, ...next }))
  const webhook = openWebhook({ url: receiver.url, secret: SECRET }, { clock })
  for (let left = 2; left > 0; left -= 1) {
    const [row] = dispatch.outbox.due('webhook', clock.nowMs(), 1)
    if (row === undefined) throw new RangeError('two events were expected')
    await webhook.send(row.notification, new AbortController().signal)
    dispatch.outbox.delivered(row)
  }
  return receiver.got[1] as Received
}

type Recipe = { isGenuine: (secret: string, header: string, body: string, nowS?: number) => boolean }
const recipe = async (): Promise<Recipe> => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-recipe-'))
  const file = join(dir, 'recipe.mjs')
  writeFileSync(file, block('js'))
  try {
    return (await import(pathToFileURL(file).href)) as Recipe
  } finally {
    rmSync(dir, { recursive: true })
  }
}

describe('docs/notify.md', () => {
  it('shows what is sent', async () => expect(JSON.parse(block('json'))).toEqual(JSON.parse((await sent()).body)))

  it('has a recipe that accepts it, and nothing that was changed', async () => {
    const { headers, body } = await sent()
    const { isGenuine } = await recipe()
    const header = String(headers['fengsui-signature'])
    const nowS = (NIGHT_MS + MINUTE_MS) / 1000
    expect(isGenuine(SECRET, header, body, nowS)).toBe(true)
    expect(isGenuine(SECRET, header, body.replace('3 栋', '4 栋'), nowS)).toBe(false)
    expect(isGenuine('another secret', header, body, nowS)).toBe(false)
    expect(
      isGenuine(
        SECRET,
        header.replace(/t=\d+/, t => `${t.slice(0, -1)}9`),
        body,
        nowS,
      ),
    ).toBe(false)
    expect(isGenuine(SECRET, header, body, nowS + 301)).toBe(false)
    expect(isGenuine(SECRET, 'undefined', body, nowS)).toBe(false)
  })

  it('names every event, and the numbers of the program', () => {
    const events = [...doc.matchAll(/^\| `([a-z-]+)` \|/gm)].map(match => match[1])
    expect(events).toEqual([...NOTIFICATION_EVENTS])
    const thousands = (n: number): string => n.toLocaleString('en-US')
    const waits = Array.from({ length: 10 }, (_, i) => retryMs(i + 1, 1) / 1000).join(', ')
    for (const sentence of [
      `(${waits}, ... s)`,
      `to ${RETRY_MS_MAX / MINUTE_MS} min`,
      `Answer 2xx within ${POST_TIMEOUT_MS / 1000} seconds`,
      `at most ${RETRY_AFTER_MS_MAX / 3_600_000} h`,
      `not delivered after ${GIVE_UP_MS / 3_600_000} h`,
      `at most ${IN_FLIGHT_MAX} requests`,
      `at ${thousands(WAITING_MAX)} the line`,
      `${thousands(FINISHED_KEPT)} delivered and ${thousands(FINISHED_KEPT)} given up`,
    ])
      expect(words).toContain(sentence)
  })
})

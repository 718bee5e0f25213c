// Bridges to foreign brokers: topics, back-off and the file in memory; a real mosquitto for everything that has to do with being lost.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import mqtt from 'mqtt'
import { afterEach, describe, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createBackoff } from '../../ingest/bridges/backoff.ts'
import { readBridges, type MqttBridge } from '../../ingest/bridges/config.ts'
import { startBridge, type BridgeOptions } from '../../ingest/bridges/mqtt.ts'
import { localTopic, remoteTopic } from '../../ingest/bridges/topics.ts'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { createIntake, type Refusal } from '../../ingest/intake.ts'
import { until } from '../system/running.ts'
import { createAnswering } from '../../parts/answering.ts'
import { openMosquitto } from './mosquitto.ts'
import { payload, yes } from './sparkplug-payload.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})
async function broker() {
  const one = await openMosquitto()
  opened.push(one)
  return one
}
type Journal = { messages: InboundMessage[]; refused: Refusal[]; commit(m: InboundMessage): Promise<void> }
const journal = (): Journal => ({ messages: [], refused: [], commit: async () => {} })

function bridge(to: Journal, config: Partial<MqttBridge> & { url: string }, more: Partial<BridgeOptions> = {}) {
  const append = async (m: InboundMessage) => {
    const kept = { ...m, payload: Uint8Array.from(m.payload) }
    await to.commit(kept)
    to.messages.push(kept)
  }
  const intake = createIntake({
    append,
    refused: r => to.refused.push(r),
    clock: systemClock,
    meter: noMeter,
    maxPayloadBytes: 4_096,
    ratePerS: 0,
  })
  const one = startBridge({
    config: { name: 'foreign', topics: [{ filter: '#' }], ...config },
    intake,
    log: noLog,
    random: () => 0,
    retryMs: 100,
    ...more,
  })
  opened.push(one)
  return one
}
const connected = (one: { status(): { ok: boolean } }) => until(() => one.status().ok, 60_000, 'the bridge is connected')
async function publisher(url: string) {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
  opened.push({ close: () => client.end(true) })
  return client
}
const texts = (to: Journal) => to.messages.map(m => Buffer.from(m.payload).toString())

describe('topics', () => {
  test('the first mapping that fits; stripped, prefixed, never to $', () => {
    const maps = [{ filter: 'site1/#', strip: 'site1/' }, { filter: '$share/g/dji/+', prefix: 'north/' }, { filter: '$x/#' }]
    expect(localTopic('site1/zigbee2mqtt/a', maps)).toBe('zigbee2mqtt/a')
    expect(localTopic('dji/a', maps)).toBe('north/dji/a')
    expect(localTopic('$x/a', maps)).toBeUndefined()
    expect(localTopic('other/a', maps)).toBeUndefined()
    expect(localTopic('site1/', maps)).toBeUndefined()
  })
  test('the way back only where downlinks lead', () => {
    const config = { topics: [{ filter: 'site1/#', strip: 'site1/' }], downlinks: ['site1/application/+/device/+/command/down', 'thing/#'] }
    expect(remoteTopic('application/1/device/2/command/down', config)).toBe('site1/application/1/device/2/command/down')
    expect(remoteTopic('thing/product/x/services', config)).toBe('thing/product/x/services')
    expect(remoteTopic('fire/v1/smoke/a/cmd', config)).toBeUndefined()
  })
})

test('waits twice as long each time up to a bound, spread, and begins anew after success', () => {
  const backoff = createBackoff({ random: () => 1, firstMs: 100, mostMs: 500 })
  expect([1, 2, 3, 4].map(() => backoff.nextMs())).toEqual([100, 200, 400, 500])
  backoff.succeeded()
  expect(backoff.nextMs()).toBe(100)
  expect(createBackoff({ random: () => 0, firstMs: 100 }).nextMs()).toBe(50)
})

describe('the file', () => {
  const file = (text: string) => {
    const path = join(mkdtempSync(join(tmpdir(), 'fengsui-bridges-')), 'bridges.json')
    writeFileSync(path, text)
    return path
  }
  const one = { name: 'a', url: 'mqtt://h:1', topics: [{ filter: '#' }] }
  test('is read, certificates beside it', () => {
    const { mqtt: brokers, cameras } = readBridges(file(JSON.stringify({ mqtt: [{ ...one, url: 'mqtts://h', ca: 'ca.pem' }] })))
    expect(brokers[0]?.ca).toMatch(/^\/.*ca\.pem$/)
    expect(cameras).toEqual([])
  })
  test.each([
    ['{"mqtt":[{"password":"top-secret",', /no valid JSON/],
    [JSON.stringify({ mqtt: [{ ...one, pasword: 'top-secret' }] }), /\/mqtt\/0 .*pasword/],
    [JSON.stringify({ mqtt: [{ ...one, url: 'mqtt://user:top-secret@h' }] }), /\/mqtt\/0\/url/],
    [JSON.stringify({ mqtt: [one, one] }), /a is there twice/],
    [JSON.stringify({ mqtt: [{ ...one, topics: [] }] }), /\/mqtt\/0\/topics/],
  ])('a mistake is named, a secret is not: %#', (text, reason) => {
    const path = file(text)
    let said = ''
    try {
      readBridges(path)
    } catch (error) {
      said = `${(error as FengsuiError).code} ${(error as Error).message}`
    }
    expect(said).toMatch(/^setting-invalid FENGSUI_BRIDGES_FILE/)
    expect(said).toMatch(reason)
    expect(said).not.toContain('top-secret')
  })
})

describe('a real mosquitto', () => {
  test('topics are mapped; a retained copy is marked and raises nothing; what is too large is refused and not asked for again', async () => {
    const foreign = await broker()
    const publish = await publisher(foreign.url)
    const alarm = JSON.stringify({ smoke: true, battery: 90 })
    await publish.publishAsync('site1/zigbee2mqtt/hall', alarm, { qos: 1, retain: true })
    const to = journal()
    await connected(bridge(to, { url: foreign.url, protocolVersion: 5, topics: [{ filter: 'site1/#', strip: 'site1/' }] }))
    await publish.publishAsync('site1/zigbee2mqtt/attic', 'x'.repeat(5_000), { qos: 1 })
    await publish.publishAsync('site1/zigbee2mqtt/hall', alarm, { qos: 1, retain: true })
    await publish.publishAsync('site1/zigbee2mqtt/hall', alarm, { qos: 0 })
    await until(() => to.messages.length === 3, 60_000, 'three messages')
    expect(to.messages.map(m => [m.topic, m.retain, m.clientId])).toEqual([
      ['zigbee2mqtt/hall', true, 'bridge:foreign'],
      ['zigbee2mqtt/hall', false, 'bridge:foreign'],
      ['zigbee2mqtt/hall', false, 'bridge:foreign'],
    ])
    expect(to.refused.map(r => r.code)).toEqual(['payload-too-large'])
    const catalogue = createCatalogue({ decoders: await loadDecoders() })
    expect(to.messages.map(m => catalogue.decode(m).readings[0]?.flags.retained)).toEqual([true, undefined, undefined])
  })

  test('while the journal takes nothing the foreign broker keeps it; killed and started again it loses nothing', async () => {
    const foreign = await broker()
    const to = journal()
    let isFull = true
    to.commit = async () => {
      if (isFull) throw new FengsuiError('journal-unavailable', 'full')
    }
    const one = bridge(to, { url: foreign.url })
    await connected(one)
    const publish = await publisher(foreign.url)
    for (let i = 0; i < 60; i++) await publish.publishAsync('a/b', String(i), { qos: 1 })
    await delay(200)
    expect(to.messages).toEqual([])
    await foreign.save()
    await foreign.kill()
    await until(() => !one.status().ok, 60_000, 'the loss is seen')
    expect(one.status().detail).toMatch(/tried again/)
    isFull = false
    await foreign.start()
    await until(() => new Set(texts(to)).size === 60, 60_000, 'all have come')
    // in order; what comes a second time says so
    const firsts = texts(to).filter((text, i, all) => all.indexOf(text) === i)
    expect(firsts).toEqual(Array.from({ length: 60 }, (_, i) => String(i)))
    const repeated = to.messages.filter((m, i) => texts(to).indexOf(Buffer.from(m.payload).toString()) < i)
    expect(repeated.every(m => m.dup)).toBe(true)
  })

  test('the position is kept: what was acknowledged does not come again, what was not does', async () => {
    const foreign = await broker()
    const to = journal()
    const first = bridge(to, { url: foreign.url })
    await connected(first)
    const publish = await publisher(foreign.url)
    for (let i = 0; i < 20; i++) await publish.publishAsync('a/b', String(i), { qos: 1 })
    await until(() => to.messages.length === 20, 60_000, 'the first twenty')
    await delay(100)
    await first.close()
    for (let i = 20; i < 40; i++) await publish.publishAsync('a/b', String(i), { qos: 1 })
    const second = bridge(to, { url: foreign.url })
    await connected(second)
    await until(() => new Set(texts(to)).size === 40, 60_000, 'the other twenty')
    expect(texts(to)).toEqual(Array.from({ length: 40 }, (_, i) => String(i)))
  })

  test('downlinks go out, and say when they cannot', async () => {
    const foreign = await broker()
    const one = bridge(journal(), { url: foreign.url, topics: [{ filter: 'up/#' }], downlinks: ['application/+/device/+/command/down'] })
    await expect(one.publish('application/1/device/2/command/down', '{}')).rejects.toMatchObject({ code: 'room-unavailable' })
    await connected(one)
    const heard: string[] = []
    const listener = await publisher(foreign.url)
    listener.on('message', topic => heard.push(topic))
    await listener.subscribeAsync('#')
    expect(await one.publish('application/1/device/2/command/down', '{}')).toBe(true)
    expect(await one.publish('fire/v1/smoke/a/cmd', '{}')).toBe(false)
    await until(() => heard.length === 1, 60_000, 'the downlink')
    expect(heard).toEqual(['application/1/device/2/command/down'])
  })

  test('a Sparkplug edge node there is asked for its births, and told whether its primary host is there', async () => {
    const foreign = await broker()
    const node = await publisher(foreign.url)
    const heard: [topic: string, payload: string][] = []
    node.on('message', (topic, bytes) => heard.push([topic, bytes.toString()]))
    await node.subscribeAsync(['site2/spBv1.0/G/NCMD/N', 'spBv1.0/STATE/fengsui'])
    const config = { url: foreign.url, topics: [{ filter: 'site2/spBv1.0/#', strip: 'site2/' }], sparkplugHostId: 'fengsui' }
    const data = Buffer.from(payload(7, { alias: 1, value: yes }))
    const answering = await createAnswering(systemClock, noMeter)
    const to = journal()
    const one = bridge(to, { ...config, downlinks: ['site2/spBv1.0/+/NCMD/+'] }, { answering })
    await connected(one)
    await node.publishAsync('site2/spBv1.0/G/NDATA/N', data)
    await until(() => heard.length === 2, 60_000, 'STATE and NCMD')
    const [[, first] = [], [topic, asked] = []] = heard
    expect(JSON.parse(first ?? '')).toEqual({ online: true, timestamp: expect.any(Number) })
    expect([topic, asked]).toEqual(['site2/spBv1.0/G/NCMD/N', expect.stringContaining('Node Control/Rebirth')])
    const arrived = () => to.messages.map(m => m.topic).filter(t => t.includes('NDATA'))
    expect(arrived()).toEqual(['spBv1.0/G/NDATA/N'])
    await one.close() // without DISCONNECT: the will says it, with the time of its birth
    await until(() => heard.length === 3, 60_000, 'the will')
    expect(JSON.parse(heard[2]?.[1] ?? '')).toEqual({ online: false, timestamp: JSON.parse(first ?? '').timestamp as number })
    // where no downlink leads there, nobody is asked
    await connected(bridge(to, config, { answering }))
    await node.publishAsync('site2/spBv1.0/G/NDATA/N', data)
    await until(() => arrived().length === 2, 60_000, 'the second message')
    await delay(100)
    expect(heard.filter(([t]) => t.includes('NCMD'))).toHaveLength(1)
  })
})

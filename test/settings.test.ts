// Settings: where they come from, and that a bad one is named with what is allowed and without a secret.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSettings } from '../settings.ts'

const read = (given: Record<string, string>) => readSettings(given, '/nowhere')

test('defaults, and paths relative to where one starts', () => {
  expect(read({})).toMatchObject({
    dataDir: '/nowhere/data',
    host: '127.0.0.1',
    mqttPort: 1883,
    httpPort: 8080,
    influx: null,
    webhook: null,
  })
})

test('a .env file fills what the environment leaves open', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'settings-'))
  await writeFile(join(dir, '.env'), 'FENGSUI_HTTP_PORT=9000\nFENGSUI_MQTT_PORT=9001\n')
  expect(readSettings({ FENGSUI_MQTT_PORT: '9002' }, dir)).toMatchObject({ httpPort: 9000, mqttPort: 9002 })
  await rm(dir, { recursive: true })
})

test.each([
  [{ FENGSUI_ANONYMOUS_DEVICES: 'true', FENGSUI_HOST: '0.0.0.0' }, /ANONYMOUS_DEVICES=true with FENGSUI_HOST=0\.0\.0\.0: only on loopback/],
  [{ FENGSUI_ANONYMOUS_DEVICES: 'yes' }, /ANONYMOUS_DEVICES="yes": must be boolean/],
  [{ FENGSUI_MQTTS_PORT: '8883' }, /FENGSUI_MQTTS_PORT needs FENGSUI_TLS_CERT and FENGSUI_TLS_KEY/],
  [{ FENGSUI_TLS_CERT: 'a.pem' }, /TLS_CERT and FENGSUI_TLS_KEY go together/],
  [{ FENGSUI_TLS_CERT: 'a', FENGSUI_TLS_KEY: 'b', FENGSUI_TLS_AUTO_REGISTER: 'true' }, /AUTO_REGISTER=true needs FENGSUI_TLS_CLIENT_CA/],
  [{ FENGSUI_TLS_CERT: 'a', FENGSUI_TLS_KEY: 'b', FENGSUI_TLS_CLIENT_CRL: 'c' }, /CLIENT_CRL needs FENGSUI_TLS_CLIENT_CA/],
  [{ FENGSUI_WEBHOOK_URL: 'http://127.0.0.1/x' }, /WEBHOOK_URL and FENGSUI_WEBHOOK_SECRET go together/],
  [{ FENGSUI_MQTT_PORT: '70000' }, /MQTT_PORT=70000: must be <= 65535/],
  [{ FENGSUI_NONSENSE: '1' }, /FENGSUI_NONSENSE is not a setting; allowed are .*FENGSUI_DATA_DIR/],
])('%j is refused with what is allowed', (given, message) => {
  expect(() => read(given as Record<string, string>)).toThrow(message)
})

test.each(['FENGSUI_INFLUX_URL', 'FENGSUI_WEBHOOK_URL'])('a password in %s is refused and not repeated', name => {
  const attempt = () => read({ [name]: 'http://user:hunter2-secret@db:8086' })
  expect(attempt).toThrow(name)
  expect(attempt).not.toThrow(/hunter2/)
})

test('anonymous devices are allowed on loopback', () => {
  for (const host of ['127.0.0.1', '127.0.0.9', '::1', 'localhost'])
    expect(read({ FENGSUI_ANONYMOUS_DEVICES: 'true', FENGSUI_HOST: host }).anonymousDevices).toBe(true)
})

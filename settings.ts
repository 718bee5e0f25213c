// The settings of the whole system: environment variables prefixed FENGSUI_ (and a .env file), checked once at start.
// Unknown or bad ones stop the start with the name, the value and what is allowed. Listed in docs/settings.md (a test holds them together).
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { Ajv } from 'ajv'
import { FengsuiError } from '#contracts/errors.ts'
import { DEFAULT_TIME_ZONE, isTimeZone } from '#contracts/zone.ts'

const port = (fallback: number) => ({ type: 'integer', minimum: 0, maximum: 65535, default: fallback })
/** not set = off */
const optionalPort = { type: 'integer', minimum: 0, maximum: 65535 }
const text = { type: 'string', minLength: 1 }

/** name without prefix -> JSON schema; `secret` values are never printed */
export const SETTINGS = {
  DATA_DIR: { ...text, default: './data' },
  HOST: { ...text, default: '127.0.0.1' },
  MQTT_PORT: port(1883),
  MQTTS_PORT: optionalPort,
  MQTT_WS_PORT: optionalPort,
  MQTT_WSS_PORT: optionalPort,
  TLS_CERT: text,
  TLS_KEY: text,
  TLS_CLIENT_CA: text,
  TLS_CLIENT_CRL: text,
  TLS_CLIENT_CERT: { enum: ['required', 'optional'], default: 'required' },
  TLS_AUTO_REGISTER: { type: 'boolean', default: false },
  HTTP_PORT: port(8080),
  FLOWS_PORT: port(1880),
  FLOWS_APPROVAL: { type: 'boolean', default: false },
  FLOWS_CPU_PERCENT: { type: 'integer', minimum: 10, maximum: 1_600, default: 100 },
  FLOWS_MEMORY_MB: { type: 'integer', minimum: 128, maximum: 16_384, default: 256 },
  INFLUX_URL: { type: 'string', pattern: '^https?://[^@]+$' },
  INFLUX_TOKEN: { ...text, secret: true },
  INFLUX_ORG: text,
  INFLUX_BUCKET: { ...text, default: 'fengsui' },
  RULES_DIR: text,
  DISTRICT_DIR: text,
  DISPATCH_PLAN: text,
  VALHALLA_URL: { type: 'string', pattern: '^https?://[^@]+$' },
  ADMIN_PASSWORD: { type: 'string', minLength: 10, secret: true },
  ANONYMOUS_DEVICES: { type: 'boolean', default: false },
  GBT26875_PORT: port(0),
  DC09_PORT: port(0),
  DC09_KEYS_FILE: text,
  MEOKON_PORT: port(0),
  MAVLINK_PORT: port(0),
  PUSH_PORT: port(0),
  PUSH_FILE: text,
  BRIDGES_FILE: text,
  SPARKPLUG_HOST_ID: { type: 'string', pattern: '^[^/+#\\u0000]{1,64}$' },
  REGISTERED_ONLY: { type: 'boolean', default: false },
  WEBHOOK_URL: { type: 'string', pattern: '^https?://[^@]+$' },
  WEBHOOK_SECRET: { type: 'string', minLength: 16, secret: true },
  NOTIFY_FILE: text,
  DEVICE_RATE: { type: 'integer', minimum: 0, maximum: 1_000_000, default: 1000 },
  PROXY_PROTOCOL: { type: 'boolean', default: false },
  JOURNAL_KEEP_DAYS: { type: 'integer', minimum: 1, maximum: 3650, default: 30 },
  JOURNAL_KEEP_MB: { type: 'integer', minimum: 16, maximum: 100_000_000, default: 20_480 },
  READINGS_KEEP_DAYS: { type: 'integer', minimum: 1, maximum: 3650, default: 400 },
  PHOTOS_MB: { type: 'integer', minimum: 1, maximum: 100_000_000, default: 20_480 },
  DISK_RESERVE_MB: { type: 'integer', minimum: 0, maximum: 1_000_000_000, default: 512 },
  MAX_PAYLOAD_BYTES: { type: 'integer', minimum: 1024, maximum: 16_777_216, default: 262_144 },
  CLOCK_S: { type: 'integer', minimum: 0, maximum: 30, default: 10 },
  CANARY_S: { type: 'integer', minimum: 0, maximum: 3600, default: 60 },
  LOG_LEVEL: { enum: ['debug', 'info', 'warn', 'error', 'silent'], default: 'info' },
  TIME_ZONE: { ...text, default: DEFAULT_TIME_ZONE },
  LANG: { enum: ['zh-CN', 'en'], default: 'zh-CN' },
} as const

export type Settings = {
  dataDir: string
  host: string
  mqttPort: number
  /** MQTT over TLS, WebSocket, WebSocket over TLS; not set = off */
  mqttsPort?: number
  mqttWsPort?: number
  mqttWssPort?: number
  tls: TlsSettings | null
  httpPort: number
  flowsPort: number
  flowsApproval: boolean
  /** of one core */
  flowsCpuShare: number
  flowsMemoryMb: number
  influx: { url: string; token?: string; org?: string; bucket: string } | null
  rulesDir: string
  districtDir: string
  /** deadlines, travel figures, needs; see docs/dispatch.md */
  dispatchPlan: string
  /** asked for times along roads; null = by the district's roads, else by distance */
  valhallaUrl: string | null
  adminPassword?: string
  anonymousDevices: boolean
  /** what does not publish to our broker; ports of 0 are off */
  entrances: EntranceSettings
  /** who is told of fires besides the dashboard */
  webhook: { url: string; secret: string } | null
  /** channels and recipients */
  notifyFile: string | null
  maxPayloadBytes: number
  /** messages a second of one connection over a while; 0 = no limit */
  deviceRate: number
  proxyProtocol: boolean
  journal: { keepDays: number; keepBytes: number }
  readingsKeepDays: number
  diskReserveBytes: number
  /** what the photos of observations may take */
  photosBytes: number
  /** a clock message in the journal this often; 0 = none */
  clockMs: number
  /** a canary this often; 0 = none */
  canaryMs: number
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** the district's local time, an IANA name: days, quiet hours, night, what is printed */
  timeZone: string
  lang: 'zh-CN' | 'en'
}

export type EntranceSettings = {
  gbt26875Port: number
  dc09Port: number
  /** keys that panels encrypt with */
  dc09KeysFile: string | null
  meokonPort: number
  mavlinkPort: number
  push: { port: number; file: string } | null
  bridgesFile: string | null
  /** as which edge nodes on our own broker know us; null = they are not told that we are there */
  sparkplugHostId: string | null
  /** TCP and UDP devices must be registered */
  registeredOnly: boolean
}

export type TlsSettings = {
  cert: string
  key: string
  clientCa?: string
  clientCrl?: string
  /** must devices show a certificate, or may they come with a password alone? none without a CA */
  clients: 'none' | 'optional' | 'required'
  /** a device with a good certificate that is not registered is registered by it */
  autoRegister: boolean
}

const PREFIX = 'FENGSUI_'
const root = import.meta.dirname
const MEBIBYTE = 1024 * 1024
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/

export const SETTINGS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(Object.entries(SETTINGS).map(([name, { ...rest }]) => [name, withoutSecret(rest)])),
}
/** that it is a good JSON schema is held by a test, not looked at again at each start; one run does not pay for making it run fast */
const ONCE = { meta: false, validateSchema: false, code: { optimize: false } }
const validate = new Ajv({ useDefaults: true, coerceTypes: true, allErrors: true, verbose: true, ...ONCE }).compile(SETTINGS_SCHEMA)

function withoutSecret(definition: Record<string, unknown>): Record<string, unknown> {
  const { secret: _, ...rest } = definition
  return rest
}

/**
 * Reads and checks the settings. A `.env` file in the working directory fills what the environment leaves open.
 * @throws FengsuiError setting-invalid, one line that names each bad setting
 */
export function readSettings(environment: Record<string, string | undefined>, cwd = process.cwd()): Settings {
  const envFile = join(cwd, '.env')
  const all = { ...(existsSync(envFile) ? parseEnv(readFileSync(envFile, 'utf8')) : {}), ...environment }
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(all)) {
    if (name.startsWith(PREFIX) && value !== undefined && value !== '') given[name.slice(PREFIX.length)] = value
  }
  if (!validate(given)) {
    throw new FengsuiError('setting-invalid', (validate.errors ?? []).map(describe).join('; '))
  }
  const v = given as Values
  if (v['ANONYMOUS_DEVICES'] === true && !LOOPBACK.test(String(v['HOST']))) {
    throw new FengsuiError(
      'setting-invalid',
      `${PREFIX}ANONYMOUS_DEVICES=true with ${PREFIX}HOST=${String(v['HOST'])}: only on loopback (127.0.0.1, ::1, localhost)`,
    )
  }
  const path = (name: string, fallback: string) => resolve(cwd, String(v[name] ?? fallback))
  return {
    dataDir: path('DATA_DIR', './data'),
    host: String(v['HOST']),
    mqttPort: Number(v['MQTT_PORT']),
    ...portsOf(v),
    tls: tlsOf(v, name => path(name, '')),
    httpPort: Number(v['HTTP_PORT']),
    flowsPort: Number(v['FLOWS_PORT']),
    flowsApproval: v['FLOWS_APPROVAL'] === true,
    flowsCpuShare: Number(v['FLOWS_CPU_PERCENT']) / 100,
    flowsMemoryMb: Number(v['FLOWS_MEMORY_MB']),
    influx: v['INFLUX_URL'] === undefined ? null : influxOf(v),
    rulesDir: path('RULES_DIR', join(root, 'rules/sets/default')),
    districtDir: path('DISTRICT_DIR', join(root, 'dashboard/district')),
    dispatchPlan: path('DISPATCH_PLAN', join(root, 'dispatch/plan.yaml')),
    valhallaUrl: v['VALHALLA_URL'] === undefined ? null : String(v['VALHALLA_URL']),
    ...(v['ADMIN_PASSWORD'] === undefined ? {} : { adminPassword: String(v['ADMIN_PASSWORD']) }),
    anonymousDevices: v['ANONYMOUS_DEVICES'] === true,
    entrances: {
      gbt26875Port: Number(v['GBT26875_PORT']),
      dc09Port: Number(v['DC09_PORT']),
      dc09KeysFile: v['DC09_KEYS_FILE'] === undefined ? null : path('DC09_KEYS_FILE', ''),
      meokonPort: Number(v['MEOKON_PORT']),
      mavlinkPort: Number(v['MAVLINK_PORT']),
      push: pushOf(v, cwd),
      bridgesFile: v['BRIDGES_FILE'] === undefined ? null : path('BRIDGES_FILE', ''),
      sparkplugHostId: v['SPARKPLUG_HOST_ID'] === undefined ? null : String(v['SPARKPLUG_HOST_ID']),
      registeredOnly: v['REGISTERED_ONLY'] === true,
    },
    webhook: webhookOf(v),
    notifyFile: v['NOTIFY_FILE'] === undefined ? null : path('NOTIFY_FILE', ''),
    maxPayloadBytes: Number(v['MAX_PAYLOAD_BYTES']),
    deviceRate: Number(v['DEVICE_RATE']),
    proxyProtocol: v['PROXY_PROTOCOL'] === true,
    journal: { keepDays: Number(v['JOURNAL_KEEP_DAYS']), keepBytes: Number(v['JOURNAL_KEEP_MB']) * MEBIBYTE },
    readingsKeepDays: Number(v['READINGS_KEEP_DAYS']),
    diskReserveBytes: Number(v['DISK_RESERVE_MB']) * MEBIBYTE,
    photosBytes: Number(v['PHOTOS_MB']) * MEBIBYTE,
    clockMs: Number(v['CLOCK_S']) * 1000,
    canaryMs: Number(v['CANARY_S']) * 1000,
    logLevel: v['LOG_LEVEL'] as Settings['logLevel'],
    timeZone: zoneName(v),
    lang: v['LANG'] as Settings['lang'],
  }
}

type Values = Record<string, string | number | boolean | undefined>

const zoneName = (v: Values): string => {
  const name = String(v['TIME_ZONE'])
  if (isTimeZone(name)) return name
  throw new FengsuiError(
    'setting-invalid',
    `${PREFIX}TIME_ZONE=${name}: a name of the time zone database such as ${DEFAULT_TIME_ZONE} is needed`,
  )
}

const influxOf = (v: Values): NonNullable<Settings['influx']> => ({
  url: String(v['INFLUX_URL']),
  bucket: String(v['INFLUX_BUCKET']),
  ...(v['INFLUX_TOKEN'] === undefined ? {} : { token: String(v['INFLUX_TOKEN']) }),
  ...(v['INFLUX_ORG'] === undefined ? {} : { org: String(v['INFLUX_ORG']) }),
})

function portsOf(v: Values): Pick<Settings, 'mqttsPort' | 'mqttWsPort' | 'mqttWssPort'> {
  const { MQTTS_PORT: tls, MQTT_WS_PORT: ws, MQTT_WSS_PORT: wss } = v
  return {
    ...(tls === undefined ? {} : { mqttsPort: Number(tls) }),
    ...(ws === undefined ? {} : { mqttWsPort: Number(ws) }),
    ...(wss === undefined ? {} : { mqttWssPort: Number(wss) }),
  }
}

/** The files themselves are read by the door, which says what is wrong with them. */
function tlsOf(v: Values, path: (name: string) => string): TlsSettings | null {
  const given = (name: string): boolean => v[name] !== undefined
  const refuse = (what: string): never => {
    throw new FengsuiError('setting-invalid', what)
  }
  const needsTls = ['MQTTS_PORT', 'MQTT_WSS_PORT', 'TLS_CLIENT_CA', 'TLS_CLIENT_CRL'].find(given)
  if (given('TLS_CERT') !== given('TLS_KEY')) refuse(`${PREFIX}TLS_CERT and ${PREFIX}TLS_KEY go together`)
  if (!given('TLS_CERT')) {
    if (needsTls !== undefined) refuse(`${PREFIX}${needsTls} needs ${PREFIX}TLS_CERT and ${PREFIX}TLS_KEY`)
    if (v['TLS_AUTO_REGISTER'] === true) refuse(`${PREFIX}TLS_AUTO_REGISTER=true needs ${PREFIX}TLS_CLIENT_CA`)
    return null
  }
  if (!given('TLS_CLIENT_CA')) {
    const without = given('TLS_CLIENT_CRL') ? 'TLS_CLIENT_CRL' : v['TLS_AUTO_REGISTER'] === true ? 'TLS_AUTO_REGISTER=true' : undefined
    if (without !== undefined) refuse(`${PREFIX}${without} needs ${PREFIX}TLS_CLIENT_CA`)
  }
  return {
    cert: path('TLS_CERT'),
    key: path('TLS_KEY'),
    ...(given('TLS_CLIENT_CA') ? { clientCa: path('TLS_CLIENT_CA') } : {}),
    ...(given('TLS_CLIENT_CRL') ? { clientCrl: path('TLS_CLIENT_CRL') } : {}),
    clients: given('TLS_CLIENT_CA') ? (v['TLS_CLIENT_CERT'] === 'optional' ? 'optional' : 'required') : 'none',
    autoRegister: v['TLS_AUTO_REGISTER'] === true,
  }
}

function pushOf(v: Values, cwd: string): EntranceSettings['push'] {
  const { PUSH_PORT: port, PUSH_FILE: file } = v
  if (port === 0 && file === undefined) return null
  if (port === 0 || file === undefined) throw new FengsuiError('setting-invalid', `${PREFIX}PUSH_PORT and ${PREFIX}PUSH_FILE go together`)
  return { port: Number(port), file: resolve(cwd, String(file)) }
}

function webhookOf(v: Values): Settings['webhook'] {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secret } = v
  if (url === undefined && secret === undefined) return null
  if (url === undefined || secret === undefined)
    throw new FengsuiError('setting-invalid', `${PREFIX}WEBHOOK_URL and ${PREFIX}WEBHOOK_SECRET go together`)
  return { url: String(url), secret: String(secret) }
}

type AjvError = { keyword: string; instancePath: string; params: Record<string, unknown>; message?: string; data?: unknown }

function describe(error: AjvError): string {
  if (error.keyword === 'additionalProperties') {
    return `${PREFIX}${String(error.params['additionalProperty'])} is not a setting; allowed are ${Object.keys(SETTINGS)
      .map(n => PREFIX + n)
      .join(', ')}`
  }
  const name = error.instancePath.slice(1) as keyof typeof SETTINGS
  const definition: Record<string, unknown> = SETTINGS[name]
  const value = definition['secret'] === true ? '(secret)' : JSON.stringify(error.data).replace(/\/\/[^@"]*@/, '//(secret)@')
  const allowed = Array.isArray(error.params['allowedValues']) ? `one of ${error.params['allowedValues'].join(', ')}` : error.message
  return `${PREFIX}${name}=${value}: ${allowed}`
}

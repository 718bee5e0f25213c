// The file of foreign brokers and camera streams (FENGSUI_BRIDGES_FILE), read and checked once at start. An unknown key or a bad value
// stops the start with its path; no value of a secret is ever printed.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Ajv } from 'ajv'
import { FengsuiError } from '#contracts/errors.ts'

export type TopicMap = { filter: string; strip?: string; prefix?: string }
export type MqttBridge = {
  name: string
  url: string
  protocolVersion?: 4 | 5
  clientId?: string
  username?: string
  password?: string
  topics: TopicMap[]
  qos?: 0 | 1
  /** filters of what may be sent to the foreign broker: its downlinks */
  downlinks?: string[]
  /** as which primary host the Sparkplug edge nodes there know us */
  sparkplugHostId?: string
  keepaliveS?: number
  ca?: string
  cert?: string
  key?: string
}
export type CameraStream = {
  name: string
  vendor: 'hikvision' | 'dahua'
  url: string
  username?: string
  password?: string
  /** event codes asked for, Dahua only; default All */
  codes?: string[]
  ca?: string
}
export type BridgesConfig = { mqtt: MqttBridge[]; cameras: CameraStream[] }

export const BRIDGES_MAX = 64
export const CAMERAS_MAX = 1_000
const TOPICS_MAX = 64

const name = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }
const text = { type: 'string', minLength: 1, maxLength: 1024 }
const filter = { type: 'string', minLength: 1, maxLength: 512, pattern: '^(?!\\$SYS)[^\\u0000]+$' }

const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    mqtt: {
      type: 'array',
      maxItems: BRIDGES_MAX,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'url', 'topics'],
        properties: {
          name,
          url: { type: 'string', pattern: '^(mqtts?|wss?)://[^@]+$' },
          protocolVersion: { enum: [4, 5] },
          clientId: { type: 'string', minLength: 1, maxLength: 64 },
          username: text,
          password: text,
          topics: {
            type: 'array',
            minItems: 1,
            maxItems: TOPICS_MAX,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['filter'],
              properties: { filter, strip: text, prefix: { ...text, pattern: '^[^$#+\\u0000]+$' } },
            },
          },
          qos: { enum: [0, 1] },
          downlinks: { type: 'array', maxItems: TOPICS_MAX, items: filter },
          sparkplugHostId: { type: 'string', pattern: '^[^/+#\\u0000]{1,64}$' },
          keepaliveS: { type: 'integer', minimum: 5, maximum: 3600 },
          ca: text,
          cert: text,
          key: text,
        },
      },
    },
    cameras: {
      type: 'array',
      maxItems: CAMERAS_MAX,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'vendor', 'url'],
        properties: {
          name,
          vendor: { enum: ['hikvision', 'dahua'] },
          url: { type: 'string', pattern: '^https?://[^@]+$' },
          username: text,
          password: text,
          codes: { type: 'array', minItems: 1, maxItems: 64, items: { type: 'string', pattern: '^[A-Za-z0-9_]{1,64}$' } },
          ca: text,
        },
      },
    },
  },
}
const validate = new Ajv({ allErrors: true, strict: false }).compile<Partial<BridgesConfig>>(SCHEMA)

/** @throws FengsuiError setting-invalid: file, path in it, what is allowed */
export function readBridges(file: string): BridgesConfig {
  const given = readJson(file, 'FENGSUI_BRIDGES_FILE')
  if (!validate(given)) {
    const wrong = (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath || '/'} ${message}${extra(params)}`)
    throw new FengsuiError('setting-invalid', `FENGSUI_BRIDGES_FILE=${file}: ${wrong.slice(0, 5).join('; ')}`)
  }
  const { mqtt = [], cameras = [] } = given
  for (const list of [mqtt, cameras]) {
    const twice = list.map(one => one.name).find((one, i, all) => all.indexOf(one) !== i)
    if (twice !== undefined) throw new FengsuiError('setting-invalid', `FENGSUI_BRIDGES_FILE=${file}: the name ${twice} is there twice`)
  }
  const at = dirname(file)
  const own = <T extends { ca?: string; cert?: string; key?: string }>(one: T): T => {
    const files = (['ca', 'cert', 'key'] as const).flatMap(key => (one[key] === undefined ? [] : [[key, resolve(at, one[key])]]))
    return { ...one, ...(Object.fromEntries(files) as Partial<T>) }
  }
  return { mqtt: mqtt.map(own), cameras: cameras.map(own) }
}

const extra = (params: object): string => ('additionalProperty' in params ? `: ${String(params.additionalProperty)}` : '')

/** @throws FengsuiError setting-invalid */
export function readJson(file: string, setting: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown
  } catch (error) {
    // a JSON error quotes the text: it may stand beside a password
    const reason = error instanceof SyntaxError ? 'it is no valid JSON' : (error as Error).message
    throw new FengsuiError('setting-invalid', `${setting}=${file}: ${reason}`)
  }
}

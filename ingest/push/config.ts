// The file of platforms that may push to us (FENGSUI_PUSH_FILE), read and checked once at start. Secrets are never printed.
import { Ajv } from 'ajv'
import { FengsuiError } from '#contracts/errors.ts'
import { readJson } from '../bridges/config.ts'
import { AES_KEY } from './sealed.ts'

/** platform -> the family that reads its bodies, and how it proves that it is who it says */
export const PLATFORMS = {
  ctwing: { family: 'nbiot-cn', proof: 'token' },
  oceanconnect: { family: 'nbiot-cn', proof: 'token' },
  feibee: { family: 'nbiot-cn', proof: 'token' },
  wanlin: { family: 'nbiot-cn', proof: 'token' },
  onenet: { family: 'nbiot-cn', proof: 'onenet' },
  tuya: { family: 'nbiot-cn', proof: 'hmac' },
  hikvision: { family: 'cameras', proof: 'token' },
  dahua: { family: 'cameras', proof: 'token' },
  axis: { family: 'cameras', proof: 'token' },
  onvif: { family: 'cameras', proof: 'token' },
  vias: { family: 'cameras', proof: 'token' },
  chirpstack: { family: 'lorawan', proof: 'token' },
  'the-things-stack': { family: 'lorawan', proof: 'token' },
} as const satisfies Record<string, { family: string; proof: 'token' | 'onenet' | 'hmac' }>
export type Platform = keyof typeof PLATFORMS

/**
 * `token` is a shared secret, of OneNET and Tuya the one that signatures are made with. `username`: also Basic with the token as password.
 * `aesKey`: of OneNET, where messages are encrypted. `maxAgeS`: signed messages that are older are refused.
 */
export type PushSource = { name: string; platform: Platform; token: string; username?: string; aesKey?: string; maxAgeS?: number }

export const SOURCES_MAX = 256

const validate = new Ajv({ allErrors: true, strict: false }).compile<{ sources: PushSource[] }>({
  type: 'object',
  additionalProperties: false,
  required: ['sources'],
  properties: {
    sources: {
      type: 'array',
      minItems: 1,
      maxItems: SOURCES_MAX,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'platform', 'token'],
        properties: {
          name: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
          platform: { enum: Object.keys(PLATFORMS) },
          token: { type: 'string', minLength: 8, maxLength: 256 },
          username: { type: 'string', minLength: 1, maxLength: 64 },
          aesKey: { type: 'string', pattern: AES_KEY },
          maxAgeS: { type: 'integer', minimum: 10, maximum: 604_800 },
        },
      },
    },
  },
})

/** @throws FengsuiError setting-invalid */
export function readPushSources(file: string): PushSource[] {
  const given = readJson(file, 'FENGSUI_PUSH_FILE')
  if (!validate(given)) {
    const wrong = (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const allowed = 'allowedValues' in params ? `: ${String(params['allowedValues'])}` : ''
      const extra = 'additionalProperty' in params ? `: ${String(params['additionalProperty'])}` : ''
      return `${instancePath || '/'} ${message}${allowed}${extra}`
    })
    throw new FengsuiError('setting-invalid', `FENGSUI_PUSH_FILE=${file}: ${wrong.slice(0, 5).join('; ')}`)
  }
  const keyless = given.sources.find(one => one.aesKey !== undefined && one.platform !== 'onenet')
  if (keyless !== undefined)
    throw new FengsuiError('setting-invalid', `FENGSUI_PUSH_FILE=${file}: aesKey of ${keyless.name}: only OneNET encrypts its messages`)
  const timeless = given.sources.find(one => one.maxAgeS !== undefined && PLATFORMS[one.platform].proof === 'token')
  if (timeless !== undefined)
    throw new FengsuiError('setting-invalid', `FENGSUI_PUSH_FILE=${file}: maxAgeS of ${timeless.name}: a token proves no time`)
  const twice = given.sources.map(one => `${one.platform}/${one.name}`).find((one, i, all) => all.indexOf(one) !== i)
  if (twice !== undefined) throw new FengsuiError('setting-invalid', `FENGSUI_PUSH_FILE=${file}: ${twice} is there twice`)
  return given.sources
}

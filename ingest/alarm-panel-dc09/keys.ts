// The file of keys that alarm panels encrypt with (FENGSUI_DC09_KEYS_FILE), read and checked once at start. Keys are never printed, and never
// reach the journal: a line is decrypted where it enters.
import { Ajv } from 'ajv'
import { FengsuiError } from '#contracts/errors.ts'
import { readJson } from '../bridges/config.ts'
import { KEY_BYTES } from './cipher.ts'

export type PanelKey = {
  bytes: Uint8Array
  /** of this account alone: then a line of it that is not encrypted is not believed */
  isOwn: boolean
  /** the panel's clock is not held against ours: anybody who recorded a line may send it again */
  anyTime: boolean
}
export type KeyOf = (account: string) => PanelKey | undefined

type Given = { account: string; hex?: string; text?: string; anyTime?: boolean }
export const KEYS_MAX = 20_000
const EVERY = '*'

const validate = new Ajv({ allErrors: true, strict: false }).compile<{ keys: Given[] }>({
  type: 'object',
  additionalProperties: false,
  required: ['keys'],
  properties: {
    keys: {
      type: 'array',
      minItems: 1,
      maxItems: KEYS_MAX,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['account'],
        oneOf: [{ required: ['hex'] }, { required: ['text'] }],
        properties: {
          account: { type: 'string', pattern: '^(?:\\*|[0-9A-Fa-f]{1,16})$' },
          hex: { type: 'string', pattern: '^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{48}|[0-9A-Fa-f]{64})$' },
          text: { type: 'string', pattern: '^(?:[ -~]{16}|[ -~]{24}|[ -~]{32})$' },
          anyTime: { type: 'boolean' },
        },
      },
    },
  },
})

/** @throws FengsuiError setting-invalid: where, and what is allowed; never what stands there */
export function readPanelKeys(file: string): KeyOf {
  const given = readJson(file, 'FENGSUI_DC09_KEYS_FILE')
  const refuse = (what: string): never => {
    throw new FengsuiError('setting-invalid', `FENGSUI_DC09_KEYS_FILE=${file}: ${what}`)
  }
  if (!validate(given)) {
    const wrong = (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
    return refuse(
      `${wrong.slice(0, 5).join('; ')} (a key is 16, 24 or 32 bytes: \`hex\` of 32, 48 or 64 digits, or \`text\` of so many characters)`,
    )
  }
  const keys = new Map<string, PanelKey>()
  for (const { account, hex, text, anyTime = false } of given.keys) {
    const name = account.toUpperCase()
    const bytes = hex === undefined ? Buffer.from(text ?? '', 'latin1') : Buffer.from(hex, 'hex')
    if (!KEY_BYTES.some(length => length === bytes.length)) refuse(`the key of ${name} is not 16, 24 or 32 bytes long`)
    if (keys.has(name)) refuse(`account ${name} is there twice`)
    keys.set(name, { bytes, isOwn: name !== EVERY, anyTime })
  }
  return account => keys.get(account.toUpperCase()) ?? keys.get(EVERY)
}

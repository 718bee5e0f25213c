// The native JSON schemas, and their errors put into words a device maker can act on: where, what is allowed, and the name of a property
// that is too many. Text values are never quoted: a URL may carry a password. Compiled by the first message that is held against them or by
// `compileNative`, whichever comes first: it takes half a second, and a process that decodes nothing of ours need not wait for it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import type formatsPlugin from 'ajv-formats'
import type { GivenPosition } from '../position.ts'
import { isUsualTime } from '../time.ts'
import type { NativeAbout, NativeReading, NativeStatus } from './payload.ts'

const ERRORS_NAMED_MAX = 4
/** a hostile payload makes thousands: wording them all would stall everything behind it */
const ERRORS_LOOKED_AT_MAX = 32

const PLAIN_URI = /^(?:https?|rtsps?|wss?|mqtts?):\/\/[a-z0-9.-]+(?::\d+)?(?:\/[A-Za-z0-9._~-]*)*$/

type Formats = { default: typeof formatsPlugin.default }

function validatorOf(formats: Formats, name: 'date-time' | 'uri'): (text: string) => boolean {
  const format = formats.default.get(name)
  const validate = typeof format === 'object' && 'validate' in format ? format.validate : format
  if (typeof validate !== 'function') throw new Error(`ajv-formats has no function for ${name}`)
  return text => (validate as (text: string) => unknown)(text) === true
}

const load = (name: string): object =>
  JSON.parse(readFileSync(new URL(`../../contracts/schema/${name}.schema.json`, import.meta.url), 'utf8')) as object

/** Names that a pattern was asked of; at the bound remembering begins anew. Devices say the same few names again and again. */
const NAMES_MAX = 2_000
const NAME_CHARS_MAX = 64
const METRIC_PATTERN = /\|raw\)\$$/

/** The long pattern of metric names by what it answered before, all others as they are. */
function remembering(pattern: string, flags: string): { test(text: string): boolean } {
  const expression = new RegExp(pattern, flags)
  if (!METRIC_PATTERN.test(pattern)) return expression
  const known = new Map<string, boolean>()
  return {
    test(text) {
      const before = known.get(text)
      if (before !== undefined) return before
      const answer = expression.test(text)
      if (text.length > NAME_CHARS_MAX) return answer
      if (known.size >= NAMES_MAX) known.clear()
      known.set(text, answer)
      return answer
    },
  }
}
const regExp = Object.assign(remembering, { code: 'new RegExp' })

const require = createRequire(import.meta.url)

function compileAll(): { [K in keyof Shapes]: ValidateFunction<Shapes[K]> } {
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')
  const formats = require('ajv-formats') as Formats
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    // that they are good JSON schemas is held by a test, not looked at again at each start
    meta: false,
    validateSchema: false,
    code: { regExp },
  })
  formats.default(ajv)
  // the same answers, sooner: nearly all times and addresses have one simple form, and a message has several of them
  const timely = validatorOf(formats, 'date-time')
  ajv.addFormat('date-time', text => isUsualTime(text) || timely(text))
  const uri = validatorOf(formats, 'uri')
  ajv.addFormat('uri', text => PLAIN_URI.test(text) || uri(text))
  return {
    reading: ajv.compile<NativeReading>(load('native-reading')),
    status: ajv.compile<NativeStatus>(load('native-status')),
    about: ajv.compile<NativeAbout>(load('native-about')),
    position: ajv.compile<GivenPosition>({ $ref: 'urn:fire-iot:native-reading:1#/$defs/position' }),
  }
}
let compiled: ReturnType<typeof compileAll> | undefined
const all = () => (compiled ??= compileAll())

/** So that the first message finds them ready: called where a process has just become ready and nothing waits for it yet. */
export const compileNative = (): void => void all()

type Validator = { errors?: ErrorObject[] | null | undefined }
type Shapes = { reading: NativeReading; status: NativeStatus; about: NativeAbout; position: GivenPosition }
type Is<T> = ((data: unknown) => data is T) & Validator

/** As Ajv answers: the errors of the last run stand beside it. */
function validator<K extends keyof Shapes>(of: K): Is<Shapes[K]> {
  const validate: Is<Shapes[K]> = (data): data is Shapes[K] => {
    const run = all()[of]
    const isValid = run(data)
    validate.errors = run.errors
    return isValid
  }
  return validate
}
export const isReading = validator('reading')
export const isStatus = validator('status')
export const isAbout = validator('about')
/** native-about says only "object" for a position; the reading's own definition holds for it too. */
export const isPosition = validator('position')

export type Violation = { code: 'schema-violation' | 'position-invalid'; reason: string; where: string }

/** The first few errors of the last run of `validate`, gravest place first. */
export function violationOf(validate: Validator): Violation {
  const errors = (validate.errors ?? []).filter(error => !WRAPPERS.has(error.keyword))
  const [first] = errors
  if (first === undefined) return { code: 'schema-violation', reason: 'does not match the schema', where: '/' }
  const looked = (validate.errors ?? []).slice(0, ERRORS_LOOKED_AT_MAX)
  const lines = [...new Set(errors.slice(0, ERRORS_NAMED_MAX).map(error => inWords(error, looked)))]
  const more = errors.length > ERRORS_NAMED_MAX ? `; and ${errors.length - ERRORS_NAMED_MAX} more` : ''
  const badFix = errors.every(error => /\/position(\/(lat|lon))?$/.test(error.instancePath))
  return {
    code: badFix ? 'position-invalid' : 'schema-violation',
    reason: lines.join('; ') + more,
    where: first.instancePath === '' ? '/' : first.instancePath,
  }
}

/** Keywords that only say that something inside them failed. */
const WRAPPERS: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'allOf', 'if', 'propertyNames'])

function inWords(error: ErrorObject, all: readonly ErrorObject[]): string {
  const at = error.instancePath === '' ? '/' : error.instancePath
  const about =
    [error, ...all.filter(other => other.instancePath === error.instancePath)].map(descriptionOf).find(text => text !== '') ?? ''
  return `${at} ${requirement(error)}${found(error)}${about === '' ? '' : ` (${about})`}`
}

function requirement(error: ErrorObject): string {
  const p = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'enum':
      return `must be one of ${JSON.stringify(p['allowedValues'])}`
    case 'const':
      return `must be ${JSON.stringify(p['allowedValue'])}`
    case 'additionalProperties':
      return `has no property ${JSON.stringify(p['additionalProperty'])}${allowedNames(error)}`
    case 'unevaluatedProperties':
      return `has no property ${JSON.stringify(p['unevaluatedProperty'])}${allowedNames(error)}`
    case 'required':
      return `needs ${JSON.stringify(p['missingProperty'])}`
    case 'pattern':
      return `${error.propertyName === undefined ? '' : `name ${JSON.stringify(error.propertyName)} `}must match ${String(p['pattern'])}`
    case 'format':
      return `must be an RFC 3339 ${String(p['format'])}${p['format'] === 'date-time' ? ' with zone' : ''}`
    case 'not':
      return 'is not allowed'
    default:
      return error.message ?? error.keyword
  }
}

const allowedNames = (error: ErrorObject): string => {
  const names = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {})
  return names.length === 0 ? '' : `; allowed: ${names.join(', ')}`
}

const found = ({ data, keyword }: ErrorObject): string =>
  typeof data === 'number' || typeof data === 'boolean' || data === null
    ? `, is ${String(data)}`
    : keyword === 'type'
      ? `, is ${nameOf(data)}`
      : ''

const nameOf = (data: unknown): string => (Array.isArray(data) ? 'an array' : `a ${typeof data}`)

const descriptionOf = (error: ErrorObject): string => {
  const { not, description } = (error.parentSchema ?? {}) as { not?: { description?: string }; description?: string }
  return (error.keyword === 'not' ? not?.description : undefined) ?? (error.instancePath === '' ? '' : (description ?? ''))
}

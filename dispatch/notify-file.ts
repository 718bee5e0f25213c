// Reads the notify file: which channels there are and who is told over them. Everything wrong is said at once, each with line, path and
// what is allowed; a secret stands in the environment or in a file of its own, and in no message. It opens nothing.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Ajv2020 as Ajv, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { ALARM_KINDS, type AlarmKind, type Severity } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { CHANNEL_TYPES, type ChannelParts, type ChannelType } from './notifiers/channel-types.ts'
import { NOTIFICATION_EVENTS, type NotificationEvent, type Notifier } from './notifiers/notifier.ts'
import type { Quiet, Recipient, Step } from './recipients.ts'

export const RECIPIENTS_MAX = 5_000
export const CHANNELS_MAX = 50
export const LADDER_STEPS_MAX = 8
export const WAIT_S_DEFAULT = 60
const PROBLEMS_SHOWN = 20

export type NotifySetup = {
  recipients: Recipient[]
  capSender?: string
  /** @throws FengsuiError setting-invalid */
  open(parts: ChannelParts): Notifier[]
}
type Options = Record<string, unknown>
type Written = {
  capSender?: string
  channels: Record<string, { type: string } & Options>
  recipients: {
    name: string
    levels?: Severity[]
    kinds?: AlarmKind[]
    areas?: string[]
    events?: NotificationEvent[]
    quiet?: { from: string; to: string }
    ladder: { channel: string; to?: string; waitS?: number }[]
  }[]
}

const NAME = '^[a-z][a-z0-9-]{1,30}$'
const text = { type: 'string', minLength: 1, maxLength: 300 }
const someOf = (values: readonly (string | number)[]) => ({ type: 'array', minItems: 1, uniqueItems: true, items: { enum: values } })
const clock = { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' }
const object = (required: string[], properties: object) => ({ type: 'object', required, additionalProperties: false, properties })

export const NOTIFY_FILE_SCHEMA = object(['channels', 'recipients'], {
  capSender: { type: 'string', pattern: '^[^\\s,<&]{1,100}$' },
  channels: {
    type: 'object',
    maxProperties: CHANNELS_MAX,
    propertyNames: { pattern: NAME },
    additionalProperties: { type: 'object', required: ['type'], properties: { type: { enum: Object.keys(CHANNEL_TYPES) } } },
  },
  recipients: {
    type: 'array',
    maxItems: RECIPIENTS_MAX,
    items: object(['name', 'ladder'], {
      name: { type: 'string', pattern: NAME },
      levels: someOf([1, 2, 3, 4]),
      kinds: someOf(ALARM_KINDS),
      areas: { type: 'array', minItems: 1, items: text },
      events: someOf(NOTIFICATION_EVENTS),
      quiet: object(['from', 'to'], { from: clock, to: clock }),
      ladder: {
        type: 'array',
        minItems: 1,
        maxItems: LADDER_STEPS_MAX,
        items: object(['channel'], { channel: text, to: text, waitS: { type: 'integer', minimum: 5, maximum: 3600 } }),
      },
    }),
  },
})

export const channelSchema = ({ required, optional }: ChannelType): object =>
  object(['type', ...Object.keys(required)], { type: {}, ...required, ...optional })

// compiled when a file is read, each type of channel when one stands in it; that they are good JSON schemas is held by a test
const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, meta: false, validateSchema: false, code: { optimize: false } })
const validChannels = new Map<string, ValidateFunction>()
function validChannel(type: string): ValidateFunction | undefined {
  const known = CHANNEL_TYPES[type]
  let valid = validChannels.get(type)
  if (valid === undefined && known !== undefined) validChannels.set(type, (valid = ajv.compile(channelSchema(known))))
  return valid
}

type Path = (string | number)[]
type Problem = { path: Path; what: string }

const sayError = (e: ErrorObject): string => {
  if (e.keyword === 'required') return `${String(e.params['missingProperty'])} is missing`
  if (e.keyword === 'additionalProperties') {
    const known = Object.keys((e.parentSchema?.['properties'] as object | undefined) ?? {})
    return `${String(e.params['additionalProperty'])} is not known here; allowed: ${known.join(', ')}`
  }
  if (e.keyword === 'enum') return `must be one of ${(e.params['allowedValues'] as unknown[]).join(', ')}`
  if (e.propertyName !== undefined) return `${e.propertyName} ${e.message ?? 'is not a name'}`
  // most likely a secret that was written where others read it
  if (e.keyword === 'type' && e.params['type'] === 'object' && e.schemaPath.includes('/properties/'))
    return 'must be {env: NAME} or {file: PATH}, so that no secret stands in this file'
  return e.message ?? 'is not valid'
}
const pathOf = (pointer: string): Path =>
  pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map(part => (/^\d+$/.test(part) ? Number(part) : part))

const schemaProblems = (errors: readonly ErrorObject[] | null | undefined, under: Path = []): Problem[] =>
  (errors ?? [])
    .filter(e => !['anyOf', 'propertyNames'].includes(e.keyword))
    .map(e => ({ path: [...under, ...pathOf(e.instancePath)], what: sayError(e) }))

const channelProblems = ({ channels }: Written): Problem[] =>
  Object.entries(channels).flatMap(([name, options]) => {
    const valid = validChannel(options.type)
    return valid === undefined || valid(options) ? [] : schemaProblems(valid.errors, ['channels', name])
  })

const stepProblem = ({ channels }: Written, step: Written['recipients'][number]['ladder'][number]): string | null => {
  const type = CHANNEL_TYPES[channels[step.channel]?.type ?? '']
  if (type === undefined) return `channel ${step.channel} does not exist; there are: ${Object.keys(channels).join(', ')}`
  if (type.address === null) return step.to === undefined ? null : `to is not needed: ${step.channel} has one receiver`
  if (step.to === undefined) return `to is missing: ${type.address.what}`
  return type.address.fits(step.to) ? null : `to is not ${type.address.what}`
}

const recipientProblems = (written: Written): Problem[] => {
  const names = written.recipients.map(r => r.name)
  return written.recipients.flatMap(({ name, ladder }, i) => {
    const path: Path = ['recipients', i]
    const used = ladder.map(step => step.channel)
    return [
      ...(names.indexOf(name) === i ? [] : [{ path: [...path, 'name'], what: `two recipients are called ${name}` }]),
      ...ladder.flatMap((step, s) => {
        const twice = used.indexOf(step.channel) === s ? null : `${step.channel} stands twice in the ladder`
        const what = twice ?? stepProblem(written, step)
        return what === null ? [] : [{ path: [...path, 'ladder', s], what }]
      }),
    ]
  })
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
const quietOf = ({ from, to }: { from: string; to: string }): Quiet => ({ fromMinute: minuteOf(from), toMinute: minuteOf(to) })

const recipientOf = ({ quiet, ladder, ...rest }: Written['recipients'][number], { channels }: Written): Recipient => ({
  ...rest,
  ...(quiet !== undefined && { quiet: quietOf(quiet) }),
  ladder: ladder.map(step => ({
    waitS: WAIT_S_DEFAULT,
    ...step,
    ...(channels[step.channel]?.type === 'cap' && { feedOnly: true as const }),
  })) as [Step, ...Step[]],
})

type Environment = Record<string, string | undefined>

/** @throws FengsuiError setting-invalid: says which name or file, never what it holds */
const resolveReference = (value: unknown, where: string, environment: Environment, folder: string): unknown => {
  if (typeof value !== 'object' || value === null || !('env' in value || 'file' in value)) return value
  const { env, file } = value as { env?: string; file?: string }
  if (env !== undefined) {
    const found = environment[env]
    if (found === undefined || found === '') throw new FengsuiError('setting-invalid', `${where}: the environment has no ${env}`)
    return found
  }
  try {
    return readFileSync(resolve(folder, file ?? ''), 'utf8').trim()
  } catch (cause) {
    throw new FengsuiError('setting-invalid', `${where}: ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}

/** @throws FengsuiError setting-invalid, every problem of the file in one message */
export const parseNotifyFile = (source: string, file: string, environment: Environment): NotifySetup => {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines })
  const lineOf = (path: Path): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  const refuse = (problems: string[]): never => {
    const more = problems.length > PROBLEMS_SHOWN ? `\n... and ${problems.length - PROBLEMS_SHOWN} more` : ''
    throw new FengsuiError('setting-invalid', `the notify file cannot be used:\n${problems.slice(0, PROBLEMS_SHOWN).join('\n')}${more}`)
  }
  if (document.errors.length > 0)
    refuse(document.errors.slice(0, 2).map(e => `${file}:${e.linePos?.[0].line ?? 1}: not valid YAML or JSON`))
  const written = (document.toJS({ maxAliasCount: 100 }) ?? {}) as Written
  const say = ({ path, what }: Problem): string => `${file}:${lineOf(path)}: /${path.join('/')} ${what}`
  // compiled once: Ajv keeps what it made of a schema
  const validFile = ajv.compile(NOTIFY_FILE_SCHEMA)
  if (!validFile(written)) refuse(schemaProblems(validFile.errors).map(say))
  const problems = [...channelProblems(written), ...recipientProblems(written)]
  if (problems.length > 0) refuse(problems.map(say))
  const { capSender } = written
  return {
    recipients: written.recipients.map(r => recipientOf(r, written)),
    ...(capSender !== undefined && { capSender }),
    open: parts =>
      Object.entries(written.channels).map(([name, { type, ...options }]) => {
        const where = `${file}:${lineOf(['channels', name])}: channel ${name}`
        const resolved = Object.fromEntries(
          Object.entries(options).map(([key, value]) => [key, resolveReference(value, `${where}, ${key}`, environment, dirname(file))]),
        )
        return CHANNEL_TYPES[type]!.open({ ...resolved, name }, parts)
      }),
  }
}

/** @throws FengsuiError setting-invalid */
export const readNotifyFile = (file: string, environment: Environment): NotifySetup => {
  let source: string
  try {
    source = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new FengsuiError('setting-invalid', `FENGSUI_NOTIFY_FILE=${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    })
  }
  return parseNotifyFile(source, file, environment)
}

// JSON schemas that carry their TypeScript type, so that a route's types come from what is checked. Requests are validated
// strictly (an unknown field is an error that names it); responses are documented here and held true by tests.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'

declare const shape: unique symbol
export type Schema<T> = { readonly [shape]?: T; readonly [keyword: string]: unknown }
export type Static<S> = S extends Schema<infer T> ? T : never

export interface SchemaTypes extends FastifyTypeProvider {
  validator: this['schema'] extends Schema<infer T> ? T : unknown
  serializer: unknown
}
export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, SchemaTypes>

type Fields = Record<string, Schema<unknown>>
type Required<F extends Fields> = { [K in keyof F]: Static<F[K]> }
type Optional<F extends Fields> = { [K in keyof F]?: Static<F[K]> }
type Notes = Record<string, unknown>

export const text = (o: Notes = {}): Schema<string> => ({ type: 'string', ...o })
export const time = (o: Notes = {}): Schema<string> => ({ type: 'string', format: 'date-time', ...o })
export const number = (o: Notes = {}): Schema<number> => ({ type: 'number', ...o })
export const integer = (o: Notes = {}): Schema<number> => ({ type: 'integer', ...o })
export const flag = (o: Notes = {}): Schema<boolean> => ({ type: 'boolean', ...o })
export const oneOf = <const V extends string | number>(values: readonly V[], o: Notes = {}): Schema<V> => ({ enum: values, ...o })
export const list = <T>(items: Schema<T>, o: Notes = {}): Schema<T[]> => ({ type: 'array', items, ...o })
export const either = <A, B>(a: Schema<A>, b: Schema<B>): Schema<A | B> => ({ anyOf: [a, b] })
export const open = <T = Record<string, unknown>>(o: Notes = {}): Schema<T> => ({ type: 'object', additionalProperties: true, ...o })
/** A schema kept under `components.schemas`; for responses. */
export const ref = (id: string): Schema<unknown> => ({ $ref: `${id}#` })

/** Nothing but the named fields is allowed; `{ additionalProperties: true }` for what others may add to (responses). */
export const object = <R extends Fields, P extends Fields = Record<string, never>>(
  required: R,
  optional: P = {} as P,
  o: Notes = {},
): Schema<Required<R> & Optional<P>> => ({
  type: 'object',
  properties: { ...required, ...optional },
  required: Object.keys(required),
  additionalProperties: false,
  ...o,
})

/** RFC 3339 with a zone: `2026-07-22T22:40:00Z`, `2026-07-22T22:40:00.123+08:00`. */
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
export const isTime = (value: string): boolean => RFC3339.test(value) && Number.isFinite(Date.parse(value))

const ajvFor = (coerceTypes: boolean): Ajv => {
  const ajv = new Ajv({ coerceTypes, useDefaults: true, verbose: true, allowUnionTypes: true })
  ajv.addFormat('date-time', isTime)
  return ajv
}
/** bodies are taken as they are; what stands in a URL is text and may be read as a number */
const strict = ajvFor(false)
const lenient = ajvFor(true)

type Validator = ((data: unknown) => boolean) & { errors?: ErrorObject[] | null }

/**
 * Compiled by the first request that needs it: of two hundred schemas most are asked for rarely, and whoever starts after a fall must not keep
 * alarms waiting for them. That each compiles is held by a test.
 */
export function validatorCompiler({ schema, httpPart }: { schema: unknown; httpPart?: string }): Validator {
  let compiled: ValidateFunction | undefined
  const validate: Validator = data => {
    compiled ??= (httpPart === 'body' ? strict : lenient).compile(schema as object)
    const isValid = compiled(data)
    validate.errors = compiled.errors ?? null
    return isValid
  }
  return validate
}

/** Which field, and what is allowed, in one line; never the value that was sent. */
export function describeViolation(errors: readonly ErrorObject[], part: string): string {
  const deepest = errors.reduce<ErrorObject | undefined>((best, e) => (!best || depth(e) > depth(best) ? e : best), undefined)
  if (deepest === undefined) return `${part} is not valid`
  const where = [part, ...deepest.instancePath.split('/').slice(1)].join('.')
  const { params } = deepest
  if (deepest.keyword === 'required') return `${where}.${params['missingProperty']} is missing`
  if (deepest.keyword === 'enum') return `${where} must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`
  if (deepest.keyword === 'format') return `${where} must be a time like 2026-07-22T22:40:00+08:00`
  if (deepest.keyword === 'additionalProperties') {
    const allowed = Object.keys((deepest.parentSchema?.['properties'] as object | undefined) ?? {})
    return `${where}.${params['additionalProperty']} is not known here; allowed: ${allowed.join(', ') || 'nothing'}`
  }
  return `${where} ${deepest.message ?? 'is not valid'}`
}
/** Of several ways to be right (`anyOf`), the one that was nearly taken: its error lies deepest, at the missing or unknown field. */
const depth = (e: ErrorObject): number => e.instancePath.split('/').length + (INSIDE.has(e.keyword) ? 1 : e.keyword === 'anyOf' ? -1 : 0)
const INSIDE = new Set(['required', 'additionalProperties'])

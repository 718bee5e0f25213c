// What a rule file may contain. The parameters of a rule are checked by the schema of its kind (kinds/*.ts), so that a new kind needs
// no change here.
import { ALARM_KINDS, type AlarmKind, type Severity, type Text } from '#contracts/alarm.ts'
import { DEVICE_KINDS, type DeviceKind, type Place } from '#contracts/reading.ts'
import type { AnyKind, JsonSchema } from './kind.ts'

/** Which devices a rule is for. Absent = all. `areas` and `buildings` never match a device whose place is not known. */
export type Scope = {
  kinds?: DeviceKind[]
  notKinds?: DeviceKind[]
  areas?: string[]
  buildings?: string[]
  notBuildings?: string[]
}

export type Rule = {
  id: string
  version: number
  kind: string
  scope: Scope
  alarm: { kind: AlarmKind; severity: Severity; latching: boolean }
  text: Text
  guidance?: Text
  parameters: Record<string, unknown>
}

/** `version` is a hash of the rules: equal rules have equal versions, whatever files and comments they stand in. */
export type RuleSet = { name: string; version: string; rules: readonly Rule[] }

export const RULES_MAX = 500

const names = { type: 'array', minItems: 1, maxItems: 1_000, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 128 } }
const kinds = { type: 'array', minItems: 1, uniqueItems: true, items: { enum: DEVICE_KINDS } }
/** {value}, {threshold} and {device} are filled in when the alarm is raised; other braces are mistakes. */
const wording = {
  type: 'string',
  minLength: 1,
  maxLength: 400,
  pattern: '^(?:[^{}\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f\\ufffd]|\\{(?:value|threshold|device)\\})*$',
  description: 'text without control characters; in braces only {value}, {threshold} and {device}',
}
const text = { type: 'object', required: ['zh', 'en'], additionalProperties: false, properties: { zh: wording, en: wording } }

export function ruleFileSchema(known: readonly AnyKind[]): JsonSchema {
  return {
    type: 'array',
    minItems: 1,
    maxItems: RULES_MAX,
    items: {
      type: 'object',
      required: ['id', 'version', 'kind', 'alarm', 'text', 'parameters'],
      additionalProperties: false,
      properties: {
        id: { type: 'string', pattern: '^[a-z][a-z0-9-]{1,62}$' },
        version: { type: 'integer', minimum: 1, maximum: 1_000_000 },
        kind: { enum: known.map(k => k.name) },
        scope: {
          type: 'object',
          additionalProperties: false,
          properties: { kinds, notKinds: kinds, areas: names, buildings: names, notBuildings: names },
        },
        alarm: {
          type: 'object',
          required: ['kind', 'severity', 'latching'],
          additionalProperties: false,
          properties: { kind: { enum: ALARM_KINDS }, severity: { enum: [1, 2, 3, 4] }, latching: { type: 'boolean' } },
        },
        text,
        guidance: text,
        parameters: { type: 'object' },
      },
    },
  }
}

export function inScope(scope: Scope, kind: DeviceKind, place: Place | undefined): boolean {
  if (scope.kinds !== undefined && !scope.kinds.includes(kind)) return false
  if (scope.notKinds?.includes(kind) === true) return false
  if (scope.areas !== undefined && (place?.area === undefined || !scope.areas.includes(place.area))) return false
  if (scope.buildings !== undefined && (place?.building === undefined || !scope.buildings.includes(place.building))) return false
  return !(place?.building !== undefined && scope.notBuildings?.includes(place.building) === true)
}

// What several shapes of the API are made of, and what requests give in the same words as answers: place, position, wording, evidence. An
// entity stays open (`additionalProperties`), so that a client never breaks on a new field.
import { integer, number, object, oneOf, text, time, type Schema } from './schema.ts'

export type Fields = Record<string, Schema<unknown>>
export const entity = ($id: string, required: Fields, optional: Fields = {}) => ({
  $id,
  ...object(required, optional, { additionalProperties: true }),
})

/** 1 = level I (gravest) to 4 */
export const severity = oneOf([1, 2, 3, 4] as const, { description: '1 = level I (gravest) to 4 = level IV' })
export const place = object(
  {},
  Object.fromEntries(['area', 'grid', 'building', 'floor', 'room'].map(name => [name, text({ maxLength: 200 })])),
)
const degrees = { lat: number({ minimum: -90, maximum: 90 }), lon: number({ minimum: -180, maximum: 180 }) }
const aboutPosition = {
  ellipsoidAltM: number(),
  mslAltM: number(),
  heightM: number(),
  floor: text({ maxLength: 50 }),
  accuracyM: number({ minimum: 0 }),
  crsWas: oneOf(['GCJ02', 'BD09', 'CGCS2000'] as const),
}
export const position = object(degrees, aboutPosition, { description: 'WGS84 degrees' })
export const givenPosition = object(
  degrees,
  { ...aboutPosition, crs: oneOf(['WGS84', 'CGCS2000', 'GCJ02', 'BD09'] as const) },
  { description: 'degrees in the reference `crs`, WGS84 unless said; stored in WGS84. In the district, or it is refused' },
)
export const wording = object({ zh: text({ minLength: 1, maxLength: 500 }), en: text({ minLength: 1, maxLength: 500 }) })
export const evidence = object(
  {
    seq: integer({ minimum: 0, description: 'place in the journal (`off` in the feed)' }),
    deviceId: text({ maxLength: 128 }),
    ts: time(),
    receivedAt: time(),
    what: text({ maxLength: 200, description: 'what was measured; the unit ends the name' }),
    value: { type: ['number', 'boolean', 'string'] } as Schema<number | boolean | string>,
  },
  { threshold: number(), note: text({ maxLength: 500 }) },
)

export const orNull = (schema: Schema<number>): Schema<number | null> => ({ ...schema, type: [schema['type'] as string, 'null'] })

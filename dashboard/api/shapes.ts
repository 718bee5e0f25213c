// What the API answers, as schemas for /api/openapi.json: the contracts' types in JSON Schema, by subject. Tests validate every answer
// against these.
import type { App } from './schema.ts'
import { evidence, place, position, wording } from './shape-parts.ts'
import { DEVICE_SHAPES } from './shapes-device.ts'
import { DISPATCH_SHAPES } from './shapes-dispatch.ts'
import { INCIDENT_SHAPES } from './shapes-incident.ts'
import { SYSTEM_SHAPES } from './shapes-system.ts'

export const SHAPES: readonly { $id: string }[] = [
  { $id: 'Text', ...wording },
  { $id: 'Place', ...place },
  { $id: 'Position', ...position },
  { $id: 'Evidence', ...evidence },
  ...INCIDENT_SHAPES,
  ...DISPATCH_SHAPES,
  ...DEVICE_SHAPES,
  ...SYSTEM_SHAPES,
]

export function addShapes(app: App): void {
  for (const shape of SHAPES) app.addSchema(shape)
}

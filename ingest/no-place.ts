// A position as a device gave it, or the note that it is no place on earth: withheld, and told once, until it is a place again. The reading goes
// on without it. docs/decisions/0009-a-bad-position-costs-only-the-position.md
import type { Position } from '#contracts/reading.ts'
import type { DecoderMemory } from './decoder.ts'
import { numbersHint } from './district.ts'
import { toWgs84 } from './position.ts'
import type { Note } from './time.ts'

export type Given = Omit<Position, 'lat' | 'lon' | 'crsWas'> & { lat: number | undefined; lon: number | undefined }

/** `where` is the JSON path or the part of the payload it stood in. Without both numbers nothing was given. */
export function placeOf(
  { lat, lon, ...rest }: Given,
  deviceId: string,
  where: string,
  memory: DecoderMemory,
): { position?: Position; notes?: Note[] } {
  if (lat === undefined || lon === undefined) return {}
  const key = `no-place/${deviceId}`
  const before = memory.get(key)
  const position = toWgs84({ lat, lon, ...rest })
  if (position !== undefined) {
    if (before !== undefined) memory.delete(key)
    return { position }
  }
  const said = `${lat},${lon}`.slice(0, 64)
  if (before === said) return {}
  memory.set(key, said)
  const hint = numbersHint(lat, lon)
  const reason = `${deviceId.slice(0, 128)} used without its position: ${lat}, ${lon} (lat, lon) is no place${hint === null ? '' : `; ${hint}`}`
  return { notes: [{ code: 'position-invalid', reason, where }] }
}

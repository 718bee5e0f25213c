// Whose state it is: a device, a room, floor, building or area by the words people use for it, or the rule as a whole.
// "Building 1" of two grids are two buildings; the same building written with other case, width or spaces is one.
import type { Place, Position } from '#contracts/reading.ts'
import type { Keeping, Whose } from './kind.ts'

const LEVELS = ['area', 'grid', 'building', 'floor', 'room'] as const
const WORDS_MAX = 20_000

type Placed = { deviceId: string; place?: Place | undefined; position?: Position | undefined }

/** Names as they are compared. Remembered, since a district has few and they come with every reading; begins anew at 20,000. */
const known = new Map<string, string>()
function plain(word: string): string {
  const found = known.get(word)
  if (found !== undefined) return found
  const made = encodeURI(word.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase()).replaceAll('/', '%2F')
  if (known.size >= WORDS_MAX) known.clear()
  known.set(word, made)
  return made
}

export const deviceItself = ({ deviceId, place, position }: Placed): Whose => ({
  key: deviceId,
  deviceId,
  ...(place !== undefined && { place }),
  ...(position !== undefined && { position }),
})

/** The part of the place down to `level`; undefined where the place does not say the level itself. */
export function upTo(level: 'room' | 'floor' | 'building' | 'area', place: Place | undefined): Place | undefined {
  if (place?.[level] === undefined || place[level] === '') return undefined
  const part: Place = {}
  for (const name of LEVELS) {
    if (place[name] !== undefined) part[name] = place[name]
    if (name === level) break
  }
  // an area is the same area, whatever grid in it
  return part
}

const placeKey = (level: string, place: Place): string => `${level}:${LEVELS.map(name => plain(place[name] ?? '')).join('/')}`

/** Without position: a position is that of the device that speaks, and its state outlives it. */
export function whoseIs(keeping: Keeping, device: Placed): Whose {
  if (keeping === 'device') return deviceItself(device)
  if (keeping === 'rule') return { ...deviceItself(device), key: 'rule' }
  const place = upTo(keeping, device.place)
  if (place === undefined) return deviceItself(device)
  return {
    key: placeKey(keeping, place),
    deviceId: device.deviceId,
    place,
    ...(device.position !== undefined && { position: device.position }),
  }
}

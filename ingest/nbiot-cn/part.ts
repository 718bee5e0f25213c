// What a device inside a platform's envelope says of itself: a reading without its id, with its own time where it sends one.
import type { Found } from '../compose.ts'

export type Part = Partial<Found> & {
  /** the device's own clock */
  atMs?: number
  /** a part of a site behind the device: a device of its own */
  sub?: string
  /** why something in it could not be understood; it is kept all the same */
  unread?: string
}

export const defined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Partial<T>

export type Alarms = Readonly<NonNullable<Found['alarms']>>

// Who is told of what: people and rooms with the levels, kinds and areas that concern them, their quiet hours, and the ladder of channels
// that is climbed until one of them has heard. Pure; the file that says so is read in notify-file.ts.
import type { AlarmKind, Severity } from '#contracts/alarm.ts'
import { isOfFeed } from './cap.ts'
import type { AnyEvent, Notification, NotificationEvent } from './notifiers/notifier.ts'

/** `waitS`: without a word for so long, the next channel is tried */
export type Step = {
  channel: string
  to?: string
  waitS: number
  /** a channel of CAP: it has no words for what is no news to the public feed */
  feedOnly?: true
}
export type Quiet = { fromMinute: number; toMinute: number }
export type Recipient = {
  name: string
  levels?: readonly Severity[]
  kinds?: readonly AlarmKind[]
  areas?: readonly string[]
  events?: readonly NotificationEvent[]
  /** minutes of the local day; level I is told all the same */
  quiet?: Quiet
  ladder: readonly [Step, ...Step[]]
}

/** Somebody must hear of these; of the others it is enough that they were sent. */
const ALERTING: ReadonlySet<AnyEvent> = new Set(['opened', 'confirmed', 'severity', 're-opened', 'escalated'])
export const isAlerting = (event: AnyEvent): boolean => ALERTING.has(event)

/** From 22:00 to 07:00 goes over midnight; equal times are no quiet at all. */
export const isQuiet = ({ fromMinute, toMinute }: Quiet, minute: number): boolean =>
  fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute

const includes = <T>(some: readonly T[] | undefined, one: T): boolean => some === undefined || some.includes(one)
const normal = (words: string): string => words.normalize('NFKC').trim().toLowerCase()

/** An incident whose area is not known concerns everybody: better one told too many. */
const inArea = (areas: readonly string[] | undefined, area: string | undefined): boolean =>
  areas === undefined || area === undefined || areas.some(one => normal(one) === normal(area))

export const concerns = (r: Recipient, n: Notification, minute: number): boolean =>
  includes(r.levels, n.incident.severity) &&
  includes(r.kinds, n.incident.kind) &&
  includes(r.events, n.event) &&
  inArea(r.areas, n.incident.place?.area) &&
  (isOfFeed(n.event) || r.ladder.some(step => step.feedOnly !== true)) &&
  (n.incident.severity === 1 || r.quiet === undefined || !isQuiet(r.quiet, minute))

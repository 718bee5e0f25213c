// Everything that leaves the house about one change of an incident, written in the transaction of that change: rows for the channels
// that are told of everything, the first step of the ladder of everyone it concerns, and the CAP message of the feed.
import type { Incident } from '#contracts/incident.ts'
import type { Zone } from '#contracts/zone.ts'
import { announcements, type Handovers } from './announce.ts'
import { isOfFeed } from './cap.ts'
import type { CapRows } from './cap-rows.ts'
import type { Notification } from './notifiers/notifier.ts'
import type { Outbox } from './outbox.ts'
import { concerns, isAlerting, type Recipient } from './recipients.ts'
import type { Tellings } from './tellings.ts'

export type Announcer = { announce(before: Incident | undefined, after: Incident, nowMs: number): void }
export type AnnouncerParts = {
  outbox: Outbox
  handovers: Handovers
  tellings: Tellings
  cap: CapRows
  recipients: readonly Recipient[]
  zone: Zone
}

/** The notification as one person gets it: its id names both, so that every channel of theirs can tell a repeat. */
export const addressed = (n: Notification, recipient: string): Notification => ({ ...n, id: `${n.id}@${recipient}` })

export const openAnnouncer = ({ outbox, handovers, tellings, cap, recipients, zone }: AnnouncerParts): Announcer => {
  const tell = (n: Notification, r: Recipient, nowMs: number, json: string): void => {
    const [first] = r.ladder
    if (isAlerting(n.event)) tellings.supersede(n.incident.id, r.name)
    const nextMs = isAlerting(n.event) ? nowMs + first.waitS * 1000 : null
    if (!tellings.begin(n, r.name, { nowMs, nextMs }, json)) return
    outbox.write(addressed(n, r.name), { channel: first.channel, recipient: r.name, nowMs }, json)
  }
  return {
    announce(before, after, nowMs) {
      const minute = zone.minuteOfDay(nowMs)
      for (const n of announcements(before, after, nowMs, handovers)) {
        if (isOfFeed(n.event)) cap.write(n, after.drill === true)
        // a drill is practised in the house: nobody outside is woken by it
        if (after.drill === true) continue
        const json = JSON.stringify(n)
        outbox.broadcast(n, nowMs, json)
        for (const r of recipients) if (concerns(r, n, minute)) tell(n, r, nowMs, json)
      }
    },
  }
}

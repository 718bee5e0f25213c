// What Aedes 1.2 gets wrong on the way to a subscriber, put right where it asks us before it sends: never a higher QoS than was
// granted, nothing new before what waited. Nobody's right to read is decided here (subscribing.ts).
import type { AedesPublishPacket, Client } from 'aedes'
import { topicMatches } from '#contracts/topic.ts'
import type { Sessions } from './sessions.ts'

/**
 * Aedes sends at the publisher's QoS, or at that of whichever filter it finds first [MQTT-3.8.4-6, MQTT-3.3.5-1]; and it sends what comes in
 * before the end of the queue of who was away [MQTT-4.6.0-6]. null = not now: it is in that queue, and comes in its turn.
 */
export function forwarded(sessions: Pick<Sessions, 'of'>): (client: Client, packet: AedesPublishPacket) => AedesPublishPacket | null {
  return (client, packet) => {
    const session = sessions.of(client)
    if (packet.qos > 0 && session?.granted != null) {
      packet.qos = lower(packet.qos, session.granted, packet.topic)
      if (packet.qos === 0) packet.messageId ??= 1 // not sent; else Aedes would give it a number of its own, and waste it
    }
    const isQueued = packet.qos > 0 && !packet.retain && packet.messageId === undefined
    return isQueued && session?.isReturning === true ? null : packet
  }
}

/** The highest QoS among the filters that match [MQTT-3.3.5-1], or the message's own if that is lower. */
function lower(qos: 0 | 1 | 2, granted: ReadonlyMap<string, number>, topic: string): 0 | 1 | 2 {
  if (![...granted.values()].some(most => most < qos)) return qos
  let highest = -1
  for (const [filter, most] of granted) if (most > highest && topicMatches(filter, topic)) highest = most
  return highest === -1 || highest >= qos ? qos : highest === 1 ? 1 : 0
}

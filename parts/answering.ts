// What senders wait for once their message is on disk: answers to DJI docks, the question to a Sparkplug edge node for its births. The same
// over our own broker and over each bridge; each way knows only who comes over it.
import type { Clock } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Broker } from '../broker/index.ts'

export type Heard = { heard(topic: string, payload: Uint8Array): void; close(): void }
export type Answering = (send: (topic: string, payload: string | Uint8Array) => void) => Heard

export async function createAnswering(clock: Clock, meter: Meter): Promise<Answering> {
  const { replyTo } = await import('../ingest/dji-cloud-api/replies.ts')
  const { createRebirths } = await import('../ingest/sparkplug-b/rebirth.ts')
  return send => {
    const rebirths = createRebirths({
      clock,
      send(topic, payload) {
        meter.count('fengsui_sparkplug_rebirths_total')
        send(topic, payload)
      },
    })
    return {
      heard(topic, payload) {
        const reply = replyTo(topic, payload, clock.nowMs())
        if (reply !== undefined) send(reply.topic, reply.payload)
        else rebirths.heard(topic, payload)
      },
      close: rebirths.close,
    }
  }
}

type Followed = Pick<Broker, 'follow' | 'publish'>

/** Over our own broker. What is lost on the way is asked for again, by who waits for it or by us. */
export async function answerOver(broker: Followed, clock: Clock, meter: Meter): Promise<Heard> {
  const { ANSWERED } = await import('../ingest/dji-cloud-api/replies.ts')
  const answering = await createAnswering(clock, meter)
  const one = answering((topic, payload) => void broker.publish(topic, payload, { qos: 0 }).catch(() => {}))
  for (const filter of [...ANSWERED, 'spBv1.0/#']) broker.follow(filter, one.heard)
  return one
}

/** Says to edge nodes on our own broker that their primary host is there; the answer takes that back, before the door closes. */
export async function hostOver(broker: Followed, hostId: string, clock: Clock): Promise<() => Promise<void>> {
  const { createHostWatch, stateOf, stateTopic } = await import('../ingest/sparkplug-b/host.ts')
  const topic = stateTopic(hostId)
  const say = (online: boolean): Promise<void> => broker.publish(topic, stateOf(online, clock.nowMs()), { qos: 1, retain: true })
  let isThere = true
  const watch = createHostWatch({ clock, say: () => void (isThere && say(true).catch(() => {})) })
  broker.follow(topic, (_, payload) => watch(payload))
  await say(true)
  return async () => {
    isThere = false
    await say(false).catch(() => {})
  }
}

// Which topic here a foreign broker's topic becomes, and which way back a downlink goes. The first mapping that fits decides.
import { topicMatches } from '#contracts/topic.ts'
import type { MqttBridge, TopicMap } from './config.ts'

/** undefined = nobody asked for it, or what is left is no topic. */
export function localTopic(remote: string, maps: readonly TopicMap[]): string | undefined {
  const map = maps.find(({ filter }) => topicMatches(unshared(filter), remote))
  if (map === undefined) return undefined
  const { strip = '', prefix = '' } = map
  const topic = prefix + (remote.startsWith(strip) ? remote.slice(strip.length) : remote)
  return topic === '' || topic.startsWith('$') ? undefined : topic
}

/** `$share/group/filter` matches what its filter does. */
const unshared = (filter: string): string => /^\$share\/[^/]+\/(.+)$/.exec(filter)?.[1] ?? filter

/** undefined = this bridge does not lead there. */
export function remoteTopic(local: string, { topics, downlinks = [] }: Pick<MqttBridge, 'topics' | 'downlinks'>): string | undefined {
  const candidates = topics
    .filter(({ prefix = '' }) => local.startsWith(prefix))
    .map(({ strip = '', prefix = '' }) => strip + local.slice(prefix.length))
  return [...candidates, local].find(remote => downlinks.some(filter => topicMatches(filter, remote)))
}

// What a dock or controller waits for: an answer to update_topo, and to events that ask for one. Without it the dock tells the same again,
// or takes the platform for gone. Given only when the message is on disk. Format: DJI Cloud API, "status" and "events".
import { isRecord, num, str } from '../compose.ts'
import { parseJson } from '../json.ts'

/** Filters of what is answered. */
export const ANSWERED = ['sys/product/+/status', 'thing/product/+/events'] as const
const TOPIC = /^(sys|thing)\/product\/([^/]{1,64})\/(status|events)$/

/** undefined = it waits for nothing. */
export function replyTo(topic: string, payload: Uint8Array, nowMs: number): { topic: string; payload: string } | undefined {
  const [, branch, gateway, channel] = TOPIC.exec(topic) ?? []
  if (gateway === undefined || (branch === 'sys') !== (channel === 'status')) return undefined
  const parsed = parseJson(payload)
  if (!parsed.ok || !isRecord(parsed.value)) return undefined
  const { tid, bid } = parsed.value
  const method = str(parsed.value, 'method') ?? (branch === 'sys' ? 'update_topo' : undefined)
  const wants = branch === 'sys' ? method === 'update_topo' : num(parsed.value, 'need_reply') === 1
  if (!wants || method === undefined || typeof tid !== 'string' || typeof bid !== 'string') return undefined
  const answer = { tid: tid.slice(0, 128), bid: bid.slice(0, 128), timestamp: nowMs, method, data: { result: 0 } }
  return { topic: `${topic}_reply`, payload: JSON.stringify(answer) }
}

// The straight way from a fire-reading to the one fire-rule behind it. Most readings say nothing to a rule, and for these a message through Node-RED costs
// more than the judging: so the rule judges first, and a message goes only where it has something to say. In the same order, and judged once.
import type { AlarmSignal } from '../../../contracts/alarm.ts'
import type { FeedReading, FeedTick } from './feed.ts'
import type { Red, RedNode } from './red.ts'

/** What a rule says to it; undefined = not judged, the message must go its way. */
export type JudgeAhead = (entry: FeedReading | FeedTick, consumer: string) => AlarmSignal[] | undefined
type Judging = RedNode & { judgeAhead?: JudgeAhead }

/** What was said already to a message on its way to the rule that said it. */
export const judged = new WeakMap<object, AlarmSignal[]>()

/** Somebody who watches every message must see every message; ours are at other places. */
const WATCHED = ['onSend', 'preRoute', 'postDeliver', 'onReceive', 'onDone']

/** The rule that alone stands behind the node, where nobody but it would see the message. Valid until the next deploy. */
export function ruleBehind(red: Red, node: RedNode): JudgeAhead | undefined {
  const { wires = [] } = node
  const [behind] = wires[0] ?? []
  if (behind === undefined || wires.flat().length !== 1 || WATCHED.some(name => red.hooks.has(name))) return undefined
  const rule = red.nodes.getNode(behind) as Judging | null
  if (rule?.judgeAhead === undefined) return undefined
  let isHeard = false
  red.nodes.eachNode(({ type, scope }) => {
    // a complete node hears of every message that the rule is done with
    if (type === 'complete' && Array.isArray(scope) && scope.some(id => id === rule.id || id === rule._alias)) isHeard = true
  })
  return isHeard ? undefined : rule.judgeAhead
}

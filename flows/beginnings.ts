// Fixes where the feeds of a flow begin: on disk before it is in force. Otherwise a feed would begin at the head of the moment in which its
// node first got through, and a kill between the deploy and that moment would skip what was published meanwhile.
import type { Log } from '#contracts/clock.ts'
import type { FlowNode } from './link.ts'
import { consumerOf, isConsumer } from './nodes/lib/consumer.ts'

export type Begin = (flows: readonly FlowNode[]) => Promise<void>

/** further ones begin when they first read, as they would without this */
const CONSUMERS_MAX = 200
const ASK_MS_MAX = 3_000

/** asking for either makes the cursor where there is none, and changes one that is there in nothing */
const PATHS: Readonly<Record<string, string>> = { 'fire-reading': 'rows', 'fire-incident': 'incidents?limit=1' }

export function createBeginnings({ apiUrl, token, log }: { apiUrl: string; token: string; log: Log }): Begin {
  let begun: ReadonlySet<string> = new Set()
  return async flows => {
    const wanted = new Set(flows.flatMap(pathOf).slice(0, CONSUMERS_MAX))
    try {
      for (const path of wanted) if (!begun.has(path)) await ask(`${apiUrl}/api/v1/feed/${path}`, token)
      begun = wanted
    } catch (error) {
      log.warn({ room: 'flows', err: error }, 'where new feeds of the flows begin could not be fixed: they begin when they first read')
    }
  }
}

function pathOf({ id, type, consumer }: FlowNode): string[] {
  const path = PATHS[type]
  const name = consumerOf({ id, consumer })
  return path === undefined || !isConsumer(name) ? [] : [`${name}/${path}`]
}

async function ask(url: string, token: string): Promise<void> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(ASK_MS_MAX) })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`)
}

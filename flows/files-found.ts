// The flows as people left them in the files of the tabs while nothing ran (git pull, a merge, an editor): taken at the start as a deploy would be,
// or not at all. Never keeps the flows before from running.
import type { Log } from '#contracts/clock.ts'
import type { FlowsDesk } from './desk.ts'
import type { Shadow } from './shadow.ts'
import type { FlowStore } from './store.ts'
import { contentOf } from './tabs.ts'

/** who changed them is known to git, not to us */
const FILES = 'files'

type Found = {
  store: Pick<FlowStore, 'found' | 'save'>
  desk: Pick<FlowsDesk, 'check' | 'propose'>
  shadow: Pick<Shadow, 'candidate'>
  approval: boolean
  log: Log
}

/**
 * Files of the tabs that people changed while nothing ran: judged like a deploy, and left alone where they do not pass. Where an approver is needed
 * they become the candidate, once: its report must not begin anew at each start.
 */
export async function takeFound({ store, desk, shadow, approval, log }: Found): Promise<void> {
  try {
    const flows = store.found()
    if (flows === null) return
    const candidate = shadow.candidate()
    if (approval && candidate !== null && contentOf(candidate.flows) === contentOf(flows)) return
    const { ok, reason } = await desk.check({ flows })
    if (!ok) log.error({ room: 'flows', reason }, 'the files of the tabs do not pass the gate; the flows before stay in force')
    else if (approval) await desk.propose({ flows, by: FILES })
    else store.save(flows, `system:${FILES}`)
  } catch (error) {
    log.error({ room: 'flows', err: error }, 'the files of the tabs cannot be used; the flows before stay in force')
  }
}

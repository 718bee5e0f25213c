// What every view of the page is given: the store and what hangs on it, wired once in main.tsx.
import type { Dialogs } from './incident/commands.tsx'
import type { DetailView } from './incident/detail.ts'
import type { QueueView } from './queue/view.ts'
import type { Session } from './session.ts'
import type { Sound } from './sound.ts'
import type { Store } from './store.ts'
import type { Travel } from './travel/travel.ts'

export type Wiring = {
  store: Store
  session: Session
  sound: Sound
  queue: QueueView
  detail: DetailView
  dialogs: Dialogs
  travel: Travel
}

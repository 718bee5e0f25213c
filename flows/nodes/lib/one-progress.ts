// One progress and one set of keepers for all nodes of the process: Node-RED's hooks can be registered once.
import { createKeepers, type Keepers } from './keeper.ts'
import { createProgress, type Progress } from './progress.ts'
import type { Red } from './red.ts'

let shared: Progress | undefined
let kept: Keepers | undefined

export const progress = (red: Red): Progress => (shared ??= createProgress((name, handler) => red.hooks.add(name, handler)))
export const keepers = (): Keepers => (kept ??= createKeepers())

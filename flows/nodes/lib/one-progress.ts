// One progress for all nodes of the process: Node-RED's hooks can be registered once.
import { createProgress, type Progress } from './progress.ts'
import type { Red } from './red.ts'

let shared: Progress | undefined

export const progress = (red: Red): Progress => (shared ??= createProgress((name, handler) => red.hooks.add(name, handler)))

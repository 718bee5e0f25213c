// How long the system takes to be ready on an empty and on a used data folder, against a bare Node start in the same run, and how
// much memory its processes hold when idle.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { start } from '../test/system/running.ts'
import { processTree } from './process-tree.ts'

const ROUNDS = 5
/** as the bootstrap sets it: compiled code is kept between starts */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, '../.cache/node') }
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

const rssMb = async (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

const bareMs: number[] = []
const firstMs: number[] = []
const againMs: number[] = []
let memory = ''
for (let round = 0; round < ROUNDS; round++) {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-bench-'))
  let from = performance.now()
  spawnSync(process.execPath, ['-e', '0'])
  bareMs.push(performance.now() - from)
  for (const times of [firstMs, againMs]) {
    from = performance.now()
    const running = await start({ dir, env })
    times.push(performance.now() - from)
    if (round === ROUNDS - 1 && times === againMs) {
      await delay(5000)
      const parts = await Promise.all((await processTree(running.process.pid!)).map(rssMb))
      memory = `idle RSS, without Node-RED: ${parts.reduce((a, b) => a + b, 0).toFixed(0)} MB in ${parts.length} processes (${parts.map(p => p.toFixed(0)).join(', ')})`
    }
    await running.stop()
  }
  await rm(dir, { recursive: true, force: true })
}
const bare = median(bareMs)
const line = (name: string, values: number[]) =>
  `${name.padEnd(30)} median ${median(values).toFixed(0).padStart(5)} ms  ratio to bare Node ${(median(values) / bare).toFixed(1)}  (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`
console.log(line('node -e 0', bareMs))
console.log(line('ready, empty data folder', firstMs))
console.log(line('ready, used data folder', againMs))
console.log(memory)

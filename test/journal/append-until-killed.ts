// A writer to be killed: appends numbered messages as fast as they are acknowledged and prints each acknowledgement. It never
// ends by itself. Every third message is an alarm. Arguments: the engine's module, its folder, the number to start with, options.
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Engine } from '../../journal/index.ts'

const [modulePath, dir, first, more] = process.argv.slice(2)
if (modulePath === undefined || dir === undefined) throw new Error('usage: append-until-killed.ts MODULE DIR FIRST [OPTIONS]')
const engine = (await import(modulePath)) as Engine
const journal = await engine.openJournal({ dir, log: noLog, meter: noMeter, ...(JSON.parse(more ?? '{}') as object) })

let next = Number(first)
async function appendForEver(): Promise<void> {
  for (;;) {
    const n = next++
    const payload = Buffer.from(`message ${n}`)
    const m = { receivedAtMs: n, identity: 'writer', clientId: 'c', topic: 't/1', qos: 1, retain: false, dup: false, payload } as const
    const { seq } = await journal.append(m, n % 3 === 0 ? 'alarm' : 'bulk')
    process.stdout.write(`${n} ${seq}\n`)
  }
}
await Promise.all(Array.from({ length: 50 }, appendForEver))

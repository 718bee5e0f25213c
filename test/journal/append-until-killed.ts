// A writer to be killed: appends numbered messages as fast as they are acknowledged and prints each acknowledgement. It never
// ends by itself. Arguments: the engine's module, its folder, the number to start with.
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Engine } from '../../journal/index.ts'

const [modulePath, dir, first] = process.argv.slice(2)
if (modulePath === undefined || dir === undefined) throw new Error('usage: append-until-killed.ts MODULE DIR FIRST')
const engine = (await import(modulePath)) as Engine
const journal = await engine.openJournal({ dir, log: noLog, meter: noMeter })

let next = Number(first)
async function appendForEver(): Promise<void> {
  for (;;) {
    const n = next++
    const payload = Buffer.from(`message ${n}`)
    const { seq } = await journal.append({
      receivedAtMs: n,
      identity: 'writer',
      clientId: 'c',
      topic: 't/1',
      qos: 1,
      retain: false,
      dup: false,
      payload,
    })
    process.stdout.write(`${n} ${seq}\n`)
  }
}
await Promise.all(Array.from({ length: 50 }, appendForEver))

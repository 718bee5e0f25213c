// Run by duckdb.test.ts as a process of its own: writes batches from the store's position on until it is killed.
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDuckdb } from '../../ingest/stores/duckdb.ts'
import { reading, T0 } from './readings.ts'

const [dir = ''] = process.argv.slice(2)
const BATCH = 200
const store = await openDuckdb({ dir }, { log: noLog, meter: noMeter })
for (;;) {
  const position = await store.position()
  const batch = Array.from({ length: BATCH }, (_, i) => {
    const seq = position + i + 1
    return { seq, reading: reading({ atMs: T0 + seq * 10, seq, metrics: { count_count: seq } }) }
  })
  await store.write(batch, position + BATCH, [{ room: 'catalogue', rows: [['position', String(position + BATCH)]] }])
  process.stdout.write(`${position + BATCH}\n`)
}

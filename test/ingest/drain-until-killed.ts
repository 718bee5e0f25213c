// Run by influx-faults.test.ts as a process of its own: writes the journal of a folder to InfluxDB until it has all of it, or is killed.
import { setTimeout as delay } from 'node:timers/promises'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createCatalogue, loadDecoders, openQuarantine, startStoreWriter } from '../../ingest/index.ts'
import { openInflux } from '../../ingest/stores/influx.ts'
import { openReader } from '../../journal/index.ts'

const [dir = '', url = '', bucket = '', messages = ''] = process.argv.slice(2)
const deps = { log: noLog, meter: noMeter, clock: systemClock }
const store = await openInflux({ url, bucket, dir }, deps)
// smaller batches than it likes: more of them to be killed in
const parts = {
  reader: openReader({ dir }),
  catalogue: createCatalogue({ decoders: await loadDecoders() }),
  quarantine: openQuarantine({ dir }),
}
const writer = startStoreWriter({ ...parts, ...deps, store: { ...store, batchMessages: 2_000 } })
while (writer.status().position < Number(messages)) await delay(10)
await writer.close()
await store.close()
process.exit(0)

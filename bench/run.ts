// `npm run bench [-- NAME [options]]`: runs one benchmark or all, each in a process of its own, side by side with its baseline.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const BENCHES = [
  'durable-puback',
  'puback-latency',
  'loop-delay',
  'connections',
  'tls-connections',
  'journal-rate',
  'alarm-latency',
  'station-speaker',
  'raise',
  'ranking',
  'sf-dispatch',
  'restart',
  'flood',
  'flows',
  'flows-trial',
  'flows-faults',
  'store-drain',
  'start',
  'bundle',
  'desk-flood',
  'desk-live',
  'desk-wire',
  'desk-load',
  'desk-soak',
  'map-frames',
  'rules',
  'decode',
]
const [wanted, ...more] = process.argv.slice(2)
if (wanted !== undefined && !BENCHES.includes(wanted)) {
  console.error(`no benchmark is called '${wanted}'; there are: ${BENCHES.join(', ')}`)
  process.exit(2)
}
let failed = false
for (const name of wanted === undefined ? BENCHES : [wanted]) {
  const file = join(import.meta.dirname, `${name}.ts`)
  if (!existsSync(file)) throw new Error(`${file} is missing`)
  console.log(`\n== ${name}`)
  failed = spawnSync(process.execPath, [file, ...more], { stdio: 'inherit' }).status !== 0 || failed
}
process.exit(failed ? 1 : 0)

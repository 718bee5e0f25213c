// Who could be sent: all resources judged, ranked and explained for one fire, as each look at an incident asks for it, beside sorting as many
// by their distance alone. 500 stations is a district, 5,000 is the bound.
import type { Device } from '#contracts/device.ts'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch } from '../dispatch/index.ts'
import { benchFolder, fireSignal, line, percentile } from './queue-desk.ts'

const ROUNDS = 60

const terminal = (i: number): Device => ({
  deviceId: `station-${i}`,
  kind: 'micro-station',
  name: `Station ${i}`,
  position: { lat: 31.62 + ((i * 7919) % 4800) / 10_000, lon: 118.5 + ((i * 104_729) % 6200) / 10_000 },
  expectNextS: 300,
  lastReceivedAt: new Date().toISOString(),
  online: true,
  alarms: {},
  metrics: {},
  state: { readiness: i % 17 === 0 ? 'not-ready' : 'ready', crew: { onDuty: 6, required: i % 11 === 0 ? 7 : 6 } },
  gaps: 0,
  readings: 1,
})

for (const count of [500, 5_000]) {
  using folder = benchFolder()
  const devices = new Map(Array.from({ length: count }, (_, i) => [`station-${i}`, terminal(i)]))
  const queue = openDispatch({ file: folder.file, clock: systemClock, log: noLog, meter: noMeter, device: id => devices.get(id) })
  queue.adoptResources(devices.values(), [])
  const signal = fireSignal(0, { atMs: Date.now(), each: 1 })
  const [incident] = queue.commit({
    position: 1,
    signals: [{ signal, trace: { brokerAt: '', diskAt: '', ruleAt: '' } }],
    rows: [],
  }).incidents
  if (incident === undefined) throw new Error('the fire opened no incident')
  const { lat, lon } = incident.position ?? { lat: 0, lon: 0 }
  const [rankedMs, readMs, sortedMs, nowMs]: number[][] = [[], [], [], []]
  for (let round = 0; round < ROUNDS; round++) {
    const t0 = performance.now()
    const candidates = queue.candidates(incident.id)
    const t1 = performance.now()
    const detail = queue.incident(incident.id)
    const t2 = performance.now()
    const nearest = [...devices.values()]
      .map(d => ({ d, m: Math.hypot((d.position?.lat ?? 0) - lat, ((d.position?.lon ?? 0) - lon) * 0.85) }))
      .toSorted((a, b) => a.m - b.m)
    const t3 = performance.now()
    queue.resources()
    const t4 = performance.now()
    if (candidates.length === 0 || detail === undefined || nearest.length !== count) throw new Error('nobody was ranked')
    rankedMs?.push(t1 - t0)
    readMs?.push(t2 - t1)
    sortedMs?.push(t3 - t2)
    nowMs?.push(t4 - t3)
  }
  const base = percentile(sortedMs ?? [], 0.5)
  console.log(`${count.toLocaleString('en')} resources`)
  console.log(line('  sorted by distance alone (baseline)', sortedMs ?? [], base))
  console.log(line('  judged, ranked and explained', rankedMs ?? [], base))
  console.log(line('  an incident as GET /incidents/:id has it', readMs ?? [], base))
  console.log(line('  all as they are now, as asked every second', nowMs ?? [], base))
  queue.close()
}

#!/usr/bin/env node
// `npm run simulate`: an invented district publishing to a broker as real devices would. One status line every five seconds, a
// summary of what should have been seen at the end. Ends on SIGINT, SIGTERM or after --duration.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FengsuiError } from '#contracts/errors.ts'
import { systemClock } from '#contracts/clock.ts'
import { brokerUrl, count, endWith, numberOption } from './command.ts'
import { readDistrict } from './district/read.ts'
import { importRows, isLoopback, issueByAdmin, readLogins, type Login } from './logins.ts'
import { createPace } from './pace.ts'
import { plan, type Planned } from './plan.ts'
import { startRun, type Run } from './run.ts'
import { isScenario, SCENARIOS, type ScenarioName } from './scenarios/index.ts'

const USAGE = `usage: npm run simulate -- [--devices N] [--rate R] [--seed S] [--scenario ${Object.keys(SCENARIOS).join('|')}] [--speed X]
                           [--url mqtt://HOST:PORT] [--credentials FILE.csv] [--duration SECONDS] [--district DIR] [--orders]
  --devices N       10 to 20,000 stations, detectors, cameras and drones (gateways come on top); default 200
  --rate R          messages a second of the whole district; default 20
  --speed X         story seconds a second: 4 tells the fire in a quarter of the time; default 1
  --orders          stations wait for the orders of the platform and carry them out, instead of going by themselves
  --credentials F   deviceId,kind,via,password,name,area,building,floor,room,lat,lon: these devices instead of an invented plan;
                    without it, on this machine, the admin command registers the invented ones`
const STATUS_MS = 5000

type Options = {
  devices: number
  rate: number
  seed: string
  scenario: ScenarioName
  speed: number
  durationS: number
  url: URL
  district: string
  credentials: string | undefined
  orders: boolean
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      devices: { type: 'string' },
      rate: { type: 'string' },
      seed: { type: 'string', default: '1' },
      scenario: { type: 'string', default: 'quiet-night' },
      speed: { type: 'string' },
      url: { type: 'string' },
      credentials: { type: 'string' },
      duration: { type: 'string' },
      district: { type: 'string' },
      orders: { type: 'boolean', default: false },
    },
  })
  if (!isScenario(values.scenario))
    throw new FengsuiError('invalid-request', `--scenario ${values.scenario}: one of ${Object.keys(SCENARIOS).join(', ')}`)
  return {
    devices: Math.round(numberOption('devices', values.devices, 200, 10, 20_000)),
    rate: numberOption('rate', values.rate, 20, 0.01, 50_000),
    seed: values.seed,
    scenario: values.scenario,
    speed: numberOption('speed', values.speed, 1, 0.1, 60),
    durationS: numberOption('duration', values.duration, Infinity, 1, 31_536_000),
    url: brokerUrl(values.url, process.env),
    district: values.district ?? (process.env['FENGSUI_DISTRICT_DIR'] || join(import.meta.dirname, '../dashboard/district')),
    credentials: values.credentials,
    orders: values.orders,
  }
}

async function prepare(o: Options): Promise<{ planned: Planned[]; logins: Map<string, Login> }> {
  if (o.credentials !== undefined) return readLogins(readFileSync(o.credentials, 'utf8'), o.credentials)
  if (!isLoopback(o.url)) throw new FengsuiError('invalid-request', `--url ${o.url.href} is another machine: give --credentials FILE.csv`)
  const planned = plan({ district: readDistrict(o.district), devices: o.devices, seed: o.seed })
  const pace = createPace(planned, o.rate)
  console.log(`registering ${count(planned.length)} devices`)
  return { planned, logins: await issueByAdmin(importRows(planned, kind => pace.expectNextS(kind))) }
}

function statusLine({ fleet }: Run): string {
  const { published, acked, dropped, reconnects } = fleet.counts
  const { open, all } = fleet.connections()
  const worst = [...fleet.troubles()].toSorted((a, b) => b[1] - a[1])[0]
  const line = `connections ${open}/${all}  published ${count(published)}  acked ${count(acked)}  in flight ${count(fleet.inFlight())}  waiting ${count(fleet.waiting())}  dropped ${count(dropped)}  reconnects ${reconnects}`
  return worst === undefined ? line : `${line}  (${worst[1]} x ${worst[0]})`
}

/** What an officer should have seen, in times of day; also as one line of JSON for whoever checks. */
function tell(run: Run): void {
  const { detectors, ignitedS, ...rest } = run.summary()
  const at = (storyS: number) => new Date(run.wallMs(storyS)).toISOString()
  const summary = {
    ...rest,
    ...(ignitedS === undefined ? {} : { ignitedAt: at(ignitedS) }),
    detectors: detectors.map(d => ({ deviceId: d.deviceId, name: d.name, alarmedAt: at(d.alarmedS) })),
    ...run.fleet.counts,
  }
  if (ignitedS !== undefined)
    console.log(
      `what should have been seen: fire in ${rest.building} ${rest.room}, ignited ${at(ignitedS)}, ${detectors.length} detectors sounded`,
    )
  for (const d of summary.detectors) console.log(`  ${d.alarmedAt}  ${d.name}`)
  console.log(JSON.stringify(summary))
}

function untilStopped(durationS: number): Promise<void> {
  return new Promise(resolve => {
    if (Number.isFinite(durationS)) setTimeout(resolve, durationS * 1000)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    // a parent that started us over a channel and is gone must not leave us publishing
    process.once('disconnect', () => resolve())
  })
}

async function main(): Promise<number> {
  const options = readOptions()
  const { planned, logins } = await prepare(options)
  const { seed, scenario, rate, speed } = options
  const run = startRun({
    url: options.url.href,
    planned,
    logins,
    seed,
    scenario,
    messagesPerS: rate,
    speed,
    awaitOrders: options.orders,
    clock: systemClock,
  })
  console.log(
    `${count(planned.length)} devices, ${run.fleet.connections().all} connections to ${options.url.href}, ${scenario}, seed ${seed}`,
  )
  const reporting = setInterval(() => console.log(statusLine(run)), STATUS_MS)
  await untilStopped(options.durationS)
  clearInterval(reporting)
  await run.stop()
  console.log(statusLine(run))
  tell(run)
  return run.fleet.counts.acked > 0 ? 0 : 1
}

main().then(
  code => process.exit(code),
  error => endWith('simulate', error, USAGE),
)

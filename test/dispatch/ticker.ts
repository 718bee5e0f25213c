// A process of its own that keeps a dispatch queue with the real clock and looks at it as core does, until it is killed. Started on an empty
// file it raises one fire whose first deadline is four seconds away, says so, and goes on.
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { DEFAULT_PLAN } from '../../dispatch/plan.ts'

const file = process.argv[2] ?? ''
const four = [4, 4, 4, 4] as const
const { peacetime } = DEFAULT_PLAN.deadlines
const plan = {
  ...DEFAULT_PLAN,
  deadlines: { ...DEFAULT_PLAN.deadlines, peacetime: { ...peacetime, fire: { ...peacetime.fire, new: four } } },
}
const dispatch = openDispatch({ file, clock: systemClock, log: noLog, meter: noMeter, plan })
if (dispatch.incidents({ limit: 1 }).length === 0) {
  const text = { zh: '火', en: 'fire' }
  dispatch.raise({ idempotencyKey: 'k', origin: 'user:test', kind: 'fire-alarm', text, by: 'test', place: { building: 'B1' } })
}
process.stdout.write('open\n')
setInterval(() => dispatch.tick(Date.now()), 250)

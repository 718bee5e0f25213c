// A child process that tells a webhook what its outbox holds, and ends when all is told; or kills itself after the receiver has answered
// its MARKth notification, before that is written down. Run: node teller.ts FILE URL SECRET [MARK]
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { openWebhook } from '../../dispatch/notifiers/webhook.ts'
import { startNotify } from '../../dispatch/notify.ts'
import { NIGHT_MS, raise } from './desk.ts'

const [file, url, secret, mark = '0'] = process.argv.slice(2)
if (file === undefined || url === undefined || secret === undefined) throw new RangeError('usage: node teller.ts FILE URL SECRET [MARK]')
const clock = systemClock
const dispatch = openDispatch({ file, clock, log: noLog, meter: noMeter, channels: ['webhook'] })

if (dispatch.position() === 0) {
  for (const building of ['x', 'y', 'z']) {
    const alarms = [1, 2].map(n => raise({ id: `${building}${n}`, deviceId: `${building}-${n}`, place: { building }, atMs: NIGHT_MS }))
    dispatch.commit({ position: dispatch.position() + 1, signals: alarms.map(signal => ({ signal, trace: {} })), rows: [] })
  }
  for (const { id } of dispatch.incidents({ limit: 9 })) dispatch.closeIncident(id, { by: 'li', cause: 'out', falseAlarm: false })
}

let marks = 0
const notify = startNotify({
  dispatch: {
    ...dispatch.outbox,
    delivered(row) {
      marks += 1
      if (marks === Number(mark)) process.kill(process.pid, 'SIGKILL')
      dispatch.outbox.delivered(row)
    },
  },
  notifiers: [openWebhook({ url, secret }, { clock })],
  clock,
  log: noLog,
  meter: noMeter,
})
while (dispatch.outbox.backlog('webhook').waiting > 0) await new Promise(resolve => setTimeout(resolve, 20))
await notify.close()
dispatch.close()

// A child process that commits until it is killed: alarms, clears and state rows that follow from the position alone, so that the
// parent can say what must be on disk. Prints each position after its commit has returned. Run: node writer.ts FILE
import { writeSync } from 'node:fs'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { startCheckpoints } from '../../dispatch/checkpoints.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { clear, NIGHT_MS, raise } from './desk.ts'

const file = process.argv[2]
if (file === undefined) throw new RangeError('usage: node writer.ts FILE')
const dispatch = openDispatch({ file, clock: systemClock, log: noLog, meter: noMeter })
// many a kill falls into a checkpoint
startCheckpoints({ file, log: noLog, everyMs: 10, pagesMin: 50 })

for (let position = dispatch.position() + 1; ; position += 1) {
  const atMs = NIGHT_MS + position * 1_000
  const born = raise({ id: `alarm-${position}`, kind: 'fault', severity: 3, deviceId: `d${position % 50}`, atMs, latching: false })
  const signals = position > 10 ? [born, clear(`alarm-${position - 10}`, atMs)] : [born]
  dispatch.commit({
    position,
    signals: signals.map(signal => ({ signal, trace: {} })),
    rows: [
      {
        room: 'rules',
        rows: [
          ['last', String(position)],
          [`n${position}`, '1'],
          [`n${position - 5}`, null],
        ],
      },
      { room: 'ingest', rows: [['last', String(position)]] },
    ],
  })
  writeSync(1, `${position}\n`)
}

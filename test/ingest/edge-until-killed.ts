// The edge process of a real system (door, journal, bridges) for a test that kills it: settings in the environment, "ready" on its channel,
// then its lines of health when asked.
import { noLog, systemClock } from '#contracts/clock.ts'
import { createEdge } from '../../app.ts'
import { readSettings } from '../../settings.ts'

const edge = await createEdge(readSettings(process.env, '/'), { clock: systemClock, log: noLog }, () => {})
process.on('message', () => void edge.health().then(lines => process.send?.(lines)))
process.on('disconnect', () => process.exit(0))
process.send?.('ready')

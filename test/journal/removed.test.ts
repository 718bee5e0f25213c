// Retention removes a segment in the very moment a reader opens it.
import { rmSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openJournal, openReader } from '../../journal/index.ts'
import { segmentPath } from '../../journal/segments.ts'
import { freshDir, message } from './journal-contract.ts'

/** removed between a look at it and its opening */
const doomed = vi.hoisted(() => ({ path: '' }))
vi.mock('../../journal/database.ts', async original => {
  const database = await original<typeof import('../../journal/database.ts')>()
  return {
    ...database,
    openForReading: (path: string, isFinal?: boolean) => {
      if (path === doomed.path) rmSync(path)
      return database.openForReading(path, isFinal)
    },
  }
})

test('a segment that goes while it is opened is not there: reading begins behind it', async () => {
  const dir = freshDir()
  const journal = await openJournal({ dir, log: noLog, meter: noMeter, segmentMaxBytes: 1 })
  for (let n = 1; n <= 3; n++) await journal.append(message(n))
  await journal.close()
  using reader = openReader({ dir })
  expect(reader.head()).toBe(3)
  doomed.path = segmentPath(dir, 1)
  expect(reader.read(0, 9).map(({ seq }) => seq)).toEqual([2, 3])
})

// Decoders, directory and rules as they stood when the system stopped: loaded from what was kept, and brought up to the position that was
// committed by judging the messages between once more.
import type { Log } from '#contracts/clock.ts'
import { catchUp, type CatchUpParts } from '../catch-up.ts'
import type { Dispatch } from '../dispatch/index.ts'
import { createCatalogue, createDirectory } from '../ingest/index.ts'
import { createKeeping } from '../keeping.ts'
import { createFold } from '../rules/index.ts'
import type { StartingRules } from '../rules/in-force.ts'

type Parts = {
  dispatch: Dispatch
  reader: CatchUpParts['reader']
  decoders: NonNullable<Parameters<typeof createCatalogue>[0]['decoders']>
  district: Parameters<typeof createCatalogue>[0]['district']
  started: StartingRules
  timeZone: string
  log: Log
}

export async function openFoldState({ dispatch, reader, decoders, district, started, timeZone, log }: Parts) {
  const [from, position] = [dispatch.keptAt(), dispatch.position()]
  const catalogue = createCatalogue({ decoders, district, timeZone, rows: dispatch.kept('catalogue') })
  const directory = createDirectory({ rows: dispatch.kept('directory') })
  // the set that judged these messages judges them again
  const before = from < position ? started.before : null
  const foldOf = (ruleSet: StartingRules['ruleSet']) => createFold({ ruleSet, rows: dispatch.kept('rules'), timeZone })
  const foldBefore = (): ReturnType<typeof foldOf> | null => {
    try {
      return before && foldOf(before)
    } catch (error) {
      // a kind of it is gone with the version of this program: the system must start all the same
      log.error(
        { err: error, version: before?.version },
        'the rule set before cannot be used; the one in force judges these messages again',
      )
      return null
    }
  }
  const fold = foldBefore() ?? foldOf(started.ruleSet)

  // a device taken off the register once and heard since is not taken off again by the next start
  const removedNote = Number(new Map(dispatch.kept('notes')).get('removed') ?? 0)
  const removed = { upTo: removedNote, saved: removedNote }
  const notes = {
    dirty: (isFull = false): [string, string][] =>
      removed.upTo === removed.saved && !isFull ? [] : [['removed', String((removed.saved = removed.upTo))]],
  }
  const keeping = createKeeping({ catalogue, directory, fold, notes })
  /** All of it, with the position it is of. */
  const saveAt = (at: number, rows: StartingRules['rows']): void =>
    void dispatch.commit({ position: at, signals: [], rows, kept: keeping.all(at) })

  await catchUp({ reader, catalogue, directory, fold, log }, { from, to: position })
  if (fold.ruleSet.version !== started.ruleSet.version) fold.use(started.ruleSet)
  if (started.rows.length > 0) saveAt(position, started.rows)
  return { catalogue, directory, fold, keeping, removed, saveAt }
}

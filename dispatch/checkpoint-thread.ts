// The thread of checkpoints.ts: moves what the queue committed from its write-ahead log into the file, with a connection of its own.
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const { file, everyMs, pagesMin } = workerData as { file: string; everyMs: number; pagesMin: number }

const db = new DatabaseSync(file)
// asks how far the log has come, and does nothing
const state = db.prepare('PRAGMA wal_checkpoint(NOOP)')
// waits for nobody, and nobody for it
const move = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')

const timer = setInterval(() => {
  const { log, checkpointed } = state.get() as { log: number; checkpointed: number }
  if (log - checkpointed >= pagesMin) move.get()
}, everyMs)

parentPort?.once('message', () => {
  clearInterval(timer)
  db.close()
})

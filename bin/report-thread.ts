// The daily report in a thread of its own: the figures of a day out of dispatch.db, opened for reading only, so that a day with ten
// thousand alarms is never counted on the thread that raises them.
import { parentPort, workerData } from 'node:worker_threads'
import { FengsuiError } from '#contracts/errors.ts'
import { readReport, type ReportTask } from '../dispatch/report.ts'

try {
  parentPort?.postMessage({ ok: readReport(workerData as ReportTask) }, [])
} catch (error) {
  const { code, message } = error instanceof FengsuiError ? error : new FengsuiError('internal', String(error))
  parentPort?.postMessage({ error: { code, message } }, [])
}

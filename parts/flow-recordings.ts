// Where backtests of flows get their readings: recordings by name, or a span of the journal, decoded in a process of its own with low priority,
// so that neither the alarms nor the supervisor does the work.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import type { OpenRecorded } from '../flows/start.ts'
import { recordingFile } from '../rules-desk.ts'

const SPAN_MS_MAX = 31 * 24 * 3_600_000
const STDERR_CHARS = 500

export function openFlowRecordings(dataDir: string): OpenRecorded {
  return ({ recordings, journal }) => {
    if (recordings !== undefined && journal !== undefined)
      throw new FengsuiError('invalid-request', 'recordings or a span of the journal, not both')
    const args = journal === undefined ? (recordings ?? []).map(name => recordingFile(dataDir, name)) : spanOf(dataDir, journal)
    if (args.length === 0) throw new FengsuiError('invalid-request', 'recordings or a span of the journal are needed')
    const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/feed-lines.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-STDERR_CHARS)))
    child.stdout.once('close', () => child.kill())
    const ended = new Promise<void>((resolve, reject) => {
      child.once('exit', code =>
        code === 0 || code === null ? resolve() : reject(new FengsuiError('invalid-request', said.trim() || `exit ${code}`)),
      )
      child.once('error', reject)
    })
    ended.catch((error: Error) => child.stdout.destroy(error))
    return { stream: child.stdout, ended }
  }
}

function spanOf(dataDir: string, { from, to }: { from: string; to: string }): string[] {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)]
  if (!(fromMs < toMs) || toMs - fromMs > SPAN_MS_MAX)
    throw new FengsuiError('invalid-request', `journal: from must lie before to, at most ${SPAN_MS_MAX / 86_400_000} days apart`)
  return ['--journal', dataDir, '--from', new Date(fromMs).toISOString(), '--to', new Date(toMs).toISOString()]
}

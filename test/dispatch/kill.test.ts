// kill -9 in the middle of commits: what was answered is there, and position, alarms and state rows are of one moment.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { folder, openDesk } from './desk.ts'

const WRITER = join(import.meta.dirname, 'writer.ts')

/** Lets the writer commit `commits` more times, kills it in the middle of the next ones, and answers the last position it printed. */
const writeAndKill = async (file: string, commits: number): Promise<number> => {
  const child = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<NodeJS.Signals | null>(resolve => child.once('exit', (_code, signal) => resolve(signal)))
  let printed = ''
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    if (printed.split('\n').length > commits) child.kill('SIGKILL')
  })
  expect(await ended, complaints).toBe('SIGKILL')
  return Number(printed.split('\n').at(-2))
}

describe('kill -9', () => {
  it('leaves position, alarms and state of one moment, five times over', async () => {
    using dir = folder()
    let before = 0
    for (const commits of [1, 30, 7, 55, 18]) {
      const answered = await writeAndKill(dir.file, commits)
      const { dispatch } = openDesk({ file: dir.file })
      const position = dispatch.position()
      expect(answered).toBeGreaterThan(before)
      expect(position).toBeGreaterThanOrEqual(answered)
      const alarms = dispatch.alarms({ limit: 5000 })
      const ids = Array.from({ length: position }, (_, i) => `alarm-${i + 1}`).sort()
      expect(alarms.map(a => a.id).sort()).toEqual(ids)
      expect(alarms.filter(a => a.state === 'UNACK')).toHaveLength(Math.min(10, position))
      expect(new Map(dispatch.rows('ingest'))).toEqual(new Map([['last', String(position)]]))
      const numbers = Array.from({ length: Math.min(5, position) }, (_, i) => `n${position - i}`).sort()
      expect([...dispatch.rows('rules')].map(([key]) => key)).toEqual(['last', ...numbers].sort())
      expect(dispatch.verifyAudit()).toMatchObject({ ok: true })
      dispatch.close()
      const db = new DatabaseSync(dir.file)
      expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
      db.close()
      before = position
    }
  })
})

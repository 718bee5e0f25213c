// A real foreign broker for tests: mosquitto with a store on disk, killed and started again at the same port. The system's own service of
// that name is never touched.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, isOpen, until } from '../system/running.ts'

export type Mosquitto = {
  port: number
  url: string
  /** writes what it holds to disk, as it does every half hour by itself */
  save(): Promise<void>
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

const program = spawnSync('sh', ['-c', 'command -v mosquitto']).status === 0 ? 'mosquitto' : '/usr/sbin/mosquitto'

export async function openMosquitto(): Promise<Mosquitto> {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-mosquitto-'))
  const port = await freePort()
  const config = join(dir, 'mosquitto.conf')
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'user root', 'log_dest none', 'persistence true']
  // more than a test sends may be unacknowledged, and nothing is thrown away
  lines.push(`persistence_location ${dir}/`, 'max_queued_messages 100000', 'max_inflight_messages 20')
  writeFileSync(config, `${lines.join('\n')}\n`)
  let child: ChildProcess | null = null
  const start = async (): Promise<void> => {
    child = spawn(program, ['-c', config], { stdio: 'ignore' })
    await until(() => isOpen(port), 60_000, 'mosquitto listens')
  }
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  await start()
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    start,
    kill,
    async save() {
      child?.kill('SIGUSR1')
      await until(() => existsSync(join(dir, 'mosquitto.db')), 60_000, 'mosquitto has saved')
      await delay(150)
    },
    async close() {
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

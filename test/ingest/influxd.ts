// A real InfluxDB 1.x for tests: /usr/bin/influxd with a configuration and data of its own, on free ports of 127.0.0.1.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { until } from './readings.ts'

export type Influxd = {
  url: string
  pid(): number
  /** kill -9, data kept */
  stop(): Promise<void>
  restart(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startInflux(): Promise<Influxd> {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-influxd-'))
  const [httpPort, rpcPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${httpPort}`
  const config = join(dir, 'influxdb.conf')
  writeFileSync(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${join(dir, 'meta')}"
[data]
  dir = "${join(dir, 'data')}"
  wal-dir = "${join(dir, 'wal')}"
  index-version = "tsi1"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
[monitor]
  store-enabled = false
`,
  )
  let child: ChildProcess | null = null
  const stop = async (): Promise<void> => {
    const running = child
    child = null
    if (running === null || running.exitCode !== null) return
    const gone = new Promise(resolve => running.once('exit', resolve))
    running.kill('SIGKILL')
    await gone
  }
  const restart = async (): Promise<void> => {
    await stop()
    child = spawn('/usr/bin/influxd', ['-config', config], { stdio: 'ignore' })
    await until(
      () =>
        fetch(`${url}/ping`).then(
          answer => answer.ok,
          () => false,
        ),
      60_000,
    )
  }
  await restart()
  return {
    url,
    pid: () => child?.pid ?? 0,
    stop,
    restart,
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

// Starting and ending, as an operator meets it: ready, a bad setting, a taken port, a folder that cannot be written, SIGTERM.
import { lstatSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, isOpen, run, start, until } from './running.ts'

test('says where everything is, answers /readyz with a line per room, ends cleanly on SIGTERM', async () => {
  await using running = await start({ env: { FENGSUI_ADMIN_PASSWORD: '' } })
  expect(running.output()).toMatch(/dashboard {2}http:\/\/127\.0\.0\.1:\d+\//)
  expect(running.output()).toMatch(/MQTT {7}mqtt:\/\/127\.0\.0\.1:\d+/)
  expect(running.output()).toMatch(/first run: user admin, password \S{12,}/)
  expect((await fetch(`${running.http}/healthz`)).status).toBe(200)
  let text = ''
  await until(
    async () => {
      const answer = await fetch(`${running.http}/readyz`)
      text = await answer.text()
      return answer.status === 200
    },
    60_000,
    () => `not ready: ${text}`,
  )
  for (const room of ['broker', 'journal', 'ingest', 'rules', 'dispatch', 'dashboard', 'flows', 'processes']) expect(text).toContain(room)
  expect(await running.stop()).toBe(0)
  expect(await isOpen(running.mqttPort)).toBe(false)
})

test('the admin password is made once and shown once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-'))
  for (const shown of [true, false]) {
    await using running = await start({ dir, env: { FENGSUI_ADMIN_PASSWORD: '' } })
    expect(running.output().includes('first run: user admin')).toBe(shown)
    // secrets lie there: nobody but the account that runs it reads what it made
    const open = (await readdir(dir, { recursive: true })).filter(name => (lstatSync(join(dir, name)).mode & 0o077) !== 0)
    expect(open).toEqual([])
  }
  await rm(dir, { recursive: true, force: true })
})

const ports = async () => ({
  FENGSUI_MQTT_PORT: String(await freePort()),
  FENGSUI_HTTP_PORT: String(await freePort()),
  FENGSUI_FLOWS_PORT: '0',
})
const oneLine = (stderr: string) => expect(stderr.trim().split('\n')).toHaveLength(1)

test.each([
  ['FENGSUI_MQTT_PROT', '1883', 'FENGSUI_MQTT_PROT is not a setting'],
  ['FENGSUI_HTTP_PORT', 'eighty', 'FENGSUI_HTTP_PORT="eighty": must be integer'],
  ['FENGSUI_LOG_LEVEL', 'loud', 'one of debug, info, warn, error, silent'],
])('a bad setting %s=%s: one line, exit code 2', async (name, value, wanted) => {
  const { code, stderr } = await run('main.ts', ['start'], { ...(await ports()), [name]: value })
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(wanted) })
  oneLine(stderr)
})

test('a bad secret is not printed', async () => {
  const { code, stderr } = await run('main.ts', ['start'], { ...(await ports()), FENGSUI_ADMIN_PASSWORD: 'tooshort' })
  expect(code).toBe(2)
  expect(stderr).not.toContain('tooshort')
})

test('a port in use: one line that names the setting, exit code 2', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const { code, stderr } = await run('main.ts', ['start'], { ...(await ports()), FENGSUI_HTTP_PORT: String(port) })
  server.close()
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`FENGSUI_HTTP_PORT=${port}`) })
  oneLine(stderr)
})

test('a data folder that cannot be made: one line, exit code 2', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-'))
  await writeFile(join(dir, 'file'), '')
  const { code, stderr } = await run('main.ts', ['start'], { ...(await ports()), FENGSUI_DATA_DIR: join(dir, 'file/data') })
  await rm(dir, { recursive: true, force: true })
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('FENGSUI_DATA_DIR') })
  oneLine(stderr)
})

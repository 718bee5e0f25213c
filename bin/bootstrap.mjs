// First thing every npm script runs: plain JavaScript for whatever Node the host has. It makes sure that dependencies, the pinned
// runtime (Node 26 from npm), the built dashboard and, for tests, the system's programs are there; then it hands over to the command.
// It writes to stderr only, so that a command's own stdout stays clean, and never changes anything when all is up to date.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const runtime = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')

/** command -> entry file, its fixed arguments, and what it needs besides the dependencies */
const COMMANDS = {
  start: { entry: 'main.ts', args: ['start'], needs: ['dashboard', 'basemap'] },
  demo: { entry: 'main.ts', args: ['demo'], needs: ['dashboard', 'basemap'] },
  test: { entry: 'bin/test.ts', args: [], needs: ['system', 'dashboard', 'basemap'] },
  check: { entry: 'bin/check.ts', args: [], needs: [] },
  simulate: { entry: 'simulators/simulate.ts', args: [], needs: [] },
  replay: { entry: 'simulators/replay.ts', args: [], needs: [] },
  decode: { entry: 'bin/decode.ts', args: [], needs: [] },
  backtest: { entry: 'bin/backtest.ts', args: [], needs: [] },
  calibrate: { entry: 'bin/calibrate.ts', args: [], needs: [] },
  basemap: { entry: 'bin/basemap.ts', args: [], needs: [] },
  bench: { entry: 'bench/run.ts', args: [], needs: ['dashboard', 'basemap'] },
  admin: { entry: 'bin/admin.ts', args: [], needs: [] },
  verify: { entry: 'bin/verify.ts', args: [], needs: [] },
  pack: { entry: 'bin/pack-nodes.ts', args: [], needs: [] },
  backup: { entry: 'bin/backup.ts', args: [], needs: [] },
  restore: { entry: 'bin/restore.ts', args: [], needs: [] },
  setup: { entry: null, args: [], needs: ['dashboard', 'basemap'] },
}

const say = line => process.stderr.write(`fengsui: ${line}\n`)
const fail = line => {
  say(line)
  process.exit(2)
}

const [name, ...rest] = process.argv.slice(2)
const command = COMMANDS[name]
if (!command) fail(`unknown command '${name ?? ''}'; one of: ${Object.keys(COMMANDS).join(', ')}`)
if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Node ${process.versions.node} is too old; install Node 20 or newer (npm comes with it)`)

ensureDependencies()
for (const need of command.needs) ({ dashboard: ensureDashboard, basemap: ensureBasemap, system: ensureSystem })[need]()
if (command.entry) run(command)

/** One installer at a time, also when two commands start together on a fresh clone. What one that was killed left behind is no lock. */
function withLock(what, work) {
  const lock = join(root, '.cache', `${what}.lock`)
  mkdirSync(dirname(lock), { recursive: true })
  const until = Date.now() + 600_000
  for (let told = false; ; told = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      const holder = holderOf(lock)
      if (holder === null) rmSync(lock, { recursive: true, force: true })
      else if (Date.now() > until) fail(`process ${holder} has held ${lock} for ten minutes; end it or remove the file`)
      else if (!told) say(`waiting for process ${holder}, which does the same (${what})`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    }
  }
  const release = () => rmSync(lock, { force: true })
  process.on('exit', release)
  try {
    work()
  } finally {
    release()
    process.off('exit', release)
  }
}

/** The process that holds a lock; null when it is gone, or had no time to say who it is. */
function holderOf(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    if (pid > 0) process.kill(pid, 0)
    return pid > 0 || Date.now() - statSync(lock).mtimeMs < 2000 ? pid : null
  } catch (error) {
    return error.code === 'EPERM' ? 'of another account' : null
  }
}

function dependenciesAreCurrent() {
  const installed = join(root, 'node_modules/.package-lock.json')
  return (
    existsSync(runtime) && existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs - 1000
  )
}

function ensureDependencies() {
  if (dependenciesAreCurrent()) return
  withLock('install', () => {
    if (dependenciesAreCurrent()) return
    say('installing dependencies (npm ci)')
    const own = process.env.npm_execpath
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
    const { status } = spawnSync(own ? process.execPath : npm, own ? [own, ...args] : args, { cwd: root, stdio: ['ignore', 2, 2] })
    if (status !== 0) fail('npm ci failed; see its message above')
  })
}

function hashOfSources() {
  const hash = createHash('sha256')
  const walk = folder => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === 'dist' || entry.name === 'node_modules') continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else hash.update(relative(root, path)).update(readFileSync(path))
    }
  }
  walk(join(root, 'dashboard/web'))
  walk(join(root, 'contracts'))
  return hash.update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
}

function ensureDashboard() {
  const stamp = join(root, 'dashboard/web/dist/.stamp')
  const wanted = hashOfSources()
  const isCurrent = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
  if (isCurrent()) return
  withLock('dashboard', () => {
    if (isCurrent()) return
    say('building the dashboard')
    const { status } = spawnSync(runtime, ['node_modules/vite/bin/vite.js', 'build', 'dashboard/web', '--logLevel', 'warn'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    })
    if (status !== 0) fail('the dashboard did not build; see the message above')
    writeFileSync(stamp, wanted)
  })
}

/** The tiles of the district that ships; a district of one's own is built by `npm run basemap`. */
function ensureBasemap() {
  const folder = join(root, 'dashboard/district')
  const tiles = join(folder, 'basemap.pmtiles')
  const sources = [folder, join(root, 'dashboard/basemap')].flatMap(dir =>
    readdirSync(dir)
      .filter(name => /\.(geojson|ts)$/.test(name))
      .map(name => join(dir, name)),
  )
  const isCurrent = () => existsSync(tiles) && sources.every(file => statSync(file).mtimeMs <= statSync(tiles).mtimeMs)
  if (isCurrent()) return
  withLock('basemap', () => {
    if (isCurrent()) return
    say('building the base map')
    const { status } = spawnSync(runtime, [join(root, 'bin/basemap.ts'), '--out', folder], { cwd: root, stdio: ['ignore', 2, 2] })
    if (status !== 0) fail('the base map did not build; see the message above')
  })
}

/** Programs that only tests need: a browser, a CJK font, InfluxDB 1.x, a foreign MQTT client and broker, a clock to be set and a judge of XML. */
function ensureSystem() {
  const has = program => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
  const hasCjkFont = () => has('fc-list') && spawnSync('sh', ['-c', 'fc-list :lang=zh | grep -q .']).status === 0
  const missing = () => [
    ...(has('chromium') ? [] : ['chromium']),
    ...(hasCjkFont() ? [] : ['fontconfig', 'fonts-noto-cjk']),
    ...(has('influxd') ? [] : ['influxdb']),
    ...(has('mosquitto_pub') ? [] : ['mosquitto-clients']),
    ...(has('mosquitto') || existsSync('/usr/sbin/mosquitto') ? [] : ['mosquitto']),
    ...(has('faketime') ? [] : ['faketime']),
    ...(has('xmllint') ? [] : ['libxml2-utils']),
  ]
  const wanted = missing()
  if (wanted.length === 0) return
  const install = `apt-get install -y --no-install-recommends ${wanted.join(' ')}`
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    fail(
      `the tests need these programs: ${wanted.join(', ')}. On Debian, as root: apt-get update && ${install}. Elsewhere install them so that chromium, influxd (1.x), mosquitto_pub, mosquitto, faketime and xmllint are on the PATH and a Chinese font is known to fontconfig.`,
    )
  }
  say(`installing ${wanted.join(', ')} (apt-get)`)
  const shell = withoutServices(() =>
    spawnSync('sh', ['-c', `apt-get update -qq && ${install} -qq >/dev/null`], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 2, 2],
    }),
  )
  // tests start a broker of their own; the package's service must not sit on port 1883, now or after a boot
  if (wanted.includes('mosquitto'))
    spawnSync('sh', ['-c', 'systemctl disable --now mosquitto || update-rc.d mosquitto disable'], { stdio: 'ignore' })
  if (shell.status !== 0 || missing().length > 0) fail(`apt-get did not install: ${missing().join(', ')}`)
}

/** Debian starts what it installs, unless a policy forbids it (invoke-rc.d, policy-rc.d). One that is there already is left alone. */
function withoutServices(work) {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return work()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return work()
  } finally {
    rmSync(policy, { force: true })
  }
}

/** Hands over to the command on Node 26. Signals are passed on; the IPC channel tells the command when this process is gone. */
function run({ entry, args }) {
  const cache = process.env.NODE_COMPILE_CACHE ?? join(root, '.cache/node')
  const child = spawn(runtime, [join(root, entry), ...args, ...rest], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: cache,
      PATH: `${join(root, 'node_modules/.bin')}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH}`,
    },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => fail(`could not start ${entry}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 128 + 15 : 1)))
  // npm killed with -9 leaves us behind; without this the ports would stay taken
  if (process.env.npm_lifecycle_event) {
    const parent = process.ppid
    setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 1000).unref()
  }
}

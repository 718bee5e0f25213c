// Node-RED as it runs in production: who may do what, what is not there, and what a flow that breaks out of its sandbox gets.
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { signToken } from '../../flows/sso.ts'
import { alarming, CREDENTIAL_SECRET, reading, SSO, startRoom, TOKEN, until, type Node, type Room } from './room.ts'

// the limits are for a machine that does much else; when all is well nothing waits for them
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
let room: Room
beforeAll(async () => {
  await new Promise<void>(resolve => broker.listen(0, '127.0.0.1', resolve))
  room = await startRoom({ closed: [`mqtt://localhost:${brokerPort()}`] })
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
  broker.close()
})
/** stands for broker and database: counts who gets through */
let knocks = 0
const broker = createServer(socket => void (knocks++, socket.destroy()))
const brokerPort = () => (broker.address() as AddressInfo).port

const settings = (token: string) => fetch(`${room.flows.url}/flows/settings`, { headers: { Authorization: `Bearer ${token}` } })
const soon = () => Math.floor(Date.now() / 1000) + 60

test('starts with the shipped flow', async () => {
  console.log(`Node-RED answered ${Math.round(room.startedInMs)} ms after startFlows`)
  expect(room.flows.healthy().ok).toBe(true)
  const { flows } = (await (await room.get('/flows')).json()) as { flows: { type: string }[] }
  expect(flows.map(n => n.type)).toContain('fire-alert')
})

describe('signing in', () => {
  test('a token of ours opens the editor without a second login', async () => {
    const answer = await settings(signToken(SSO, { name: '陈', role: 'engineer', exp: soon() }))
    expect(answer.status).toBe(200)
    expect(((await answer.json()) as { user: object }).user).toMatchObject({
      username: '陈',
      permissions: expect.arrayContaining(['flows.write']),
    })
  })
  test.each([
    ['nonsense', 'nonsense'],
    ['forged', signToken('another secret', { name: 'x', role: 'admin', exp: soon() })],
    ['out of date', signToken(SSO, { name: 'x', role: 'admin', exp: soon() - 120 })],
    ['of a role without rights here', signToken(SSO, { name: 'x', role: 'station', exp: soon() })],
    ['damaged', `${signToken(SSO, { name: 'x', role: 'admin', exp: soon() }).slice(0, -2)}AA`],
  ])('a token that is %s is refused', async (_, token) => expect((await settings(token)).status).toBe(401))

  test('the password of the dashboard works on the editor page itself', async () => {
    const login = (password: string) =>
      fetch(`${room.flows.url}/flows/auth/token`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ client_id: 'node-red-editor', grant_type: 'password', scope: '', username: 'engineer', password }),
      })
    expect((await login('wrong')).status).toBe(403)
    const { access_token: token } = (await (await login('right')).json()) as { access_token: string }
    expect((await settings(token)).status).toBe(200)
  })

  test('the socket of the editor takes the header of a proxy, and nothing else', async () => {
    const url = `${room.flows.url.replace('http', 'ws')}/flows/comms`
    const first = async (headers: Record<string, string>, say: object) => {
      const socket = new WebSocket(url, { headers })
      try {
        return await new Promise<string>(resolve => {
          socket.once('open', () => socket.send(JSON.stringify(say)))
          socket.once('message', (data: Buffer) => resolve(data.toString()))
          socket.once('error', error => resolve(`error ${error.message}`))
          socket.once('close', () => resolve('closed'))
        })
      } finally {
        socket.terminate()
      }
    }
    expect(await first(room.as('engineer'), { subscribe: 'notification/#' })).toContain('notification/')
    expect(await first({}, { subscribe: 'notification/#' })).toContain('fail')
    expect(await first({ Authorization: 'Bearer nonsense' }, { subscribe: 'notification/#' })).not.toContain('notification/')
  })

  test('a sign-in left in the browser is forgotten only behind a proxy', async () => {
    const script = async (headers: Record<string, string>) =>
      (await fetch(`${room.flows.url}/flows/theme/scripts/signed-in.js`, { headers })).text()
    expect(await script(room.as('officer'))).toContain('auth-tokens-flows')
    expect(await script({})).toBe('')
    expect(await (await fetch(`${room.flows.url}/flows/`)).text()).toContain('signed-in.js')
  })
})

/** every way into Node-RED's admin API that it asks a permission for; what is off is refused to everybody */
const LOOKING = [
  'GET /flows', 'GET /flows/state', 'GET /flow/none', 'GET /nodes', 'GET /nodes/messages', 'GET /nodes/node-red', 'GET /nodes/node-red/inject',
  'GET /nodes/node-red/inject/messages', 'GET /icons', 'GET /plugins', 'GET /plugins/messages', 'GET /context/global', 'GET /context/flow/tab',
  'GET /context/node/work', 'GET /settings', 'GET /settings/user', 'GET /library/local/flows/', 'GET /fengsui/rule-schema', 'POST /fengsui/rule-check',
] // prettier-ignore
const CREDENTIALS = ['GET /credentials/fire-server/server', 'GET /credentials/mqtt-broker/mqtt']
const WRITING = ['POST /flows', 'POST /inject/inject', 'POST /debug/enable', 'POST /debug/debug/enable']
const NOBODYS = [
  'POST /flow', 'PUT /flow/tab', 'DELETE /flow/tab', 'POST /flows/state', 'POST /nodes', 'PUT /nodes/node-red',
  'PUT /nodes/node-red/inject', 'DELETE /nodes/@fengsui/nodes', 'DELETE /context/global/x', 'DELETE /context/flow/tab/x', 'POST /settings/user',
  'GET /settings/user/keys', 'POST /library/local/flows/x', 'GET /diagnostics', 'GET /projects', 'POST /projects', 'GET /udp-ports/1',
] // prettier-ignore

describe('permissions', () => {
  test('each role at each endpoint: who looks gets no credentials and changes nothing; what is off is off for everybody', async () => {
    const flows = [
      ...alarming('return null'),
      { id: 'server', type: 'fire-server', url: 'http://127.0.0.1:9', credentials: { token: 'very secret' } },
      { id: 'mqtt', type: 'mqtt-broker', broker: '127.0.0.1', port: '9', credentials: { user: 'some user', password: 'very secret' } },
      { id: 'inject', type: 'inject', z: 'tab', wires: [[]] },
      { id: 'debug', type: 'debug', z: 'tab', active: false, wires: [] },
    ]
    expect((await room.deploy(flows)).status).toBe(200)
    const { rev } = (await (await room.get('/flows')).json()) as { rev: string }
    const ask = async (way: string, headers: Record<string, string>) => {
      const [method = '', path = ''] = way.split(' ')
      const sent = method === 'GET' ? {} : { body: JSON.stringify(path === '/flows' ? { flows, rev } : { rules: '' }) }
      const answer = await fetch(`${room.flows.url}/flows${path}`, {
        method,
        headers: { ...headers, Accept: 'application/json', 'Content-Type': 'application/json' },
        ...sent,
      })
      expect(await answer.text(), way).not.toContain('very secret')
      return answer.status
    }
    for (const role of ['viewer', 'officer', 'approver', 'engineer', 'admin', 'station', 'nobody'] as const) {
      const headers = role === 'nobody' ? { 'Node-RED-API-Version': 'v2' } : room.as(role)
      const may = { look: role !== 'station' && role !== 'nobody', write: role === 'engineer' || role === 'admin' }
      const entered = async (ways: string[]) =>
        Object.fromEntries(await Promise.all(ways.map(async way => [way, (await ask(way, headers)) !== 401] as const)))
      const all = (ways: string[], is: boolean) => Object.fromEntries(ways.map(way => [way, is]))
      expect(await entered(LOOKING), role).toEqual(all(LOOKING, may.look))
      expect(await entered([...CREDENTIALS, ...WRITING]), role).toEqual(all([...CREDENTIALS, ...WRITING], may.write))
      await Promise.all(NOBODYS.map(async way => expect([400, 401, 404], `${role} ${way}`).toContain(await ask(way, headers))))
    }
    const own = await (await room.get('/credentials/mqtt-broker/mqtt')).json()
    expect(own).toEqual({ user: 'some user', has_password: true })
  })
  test('an officer looks and does not deploy', async () => {
    expect((await room.get('/flows', 'officer')).status).toBe(200)
    expect((await room.deploy(alarming('return null'), 'officer')).status).toBe(401)
  })
  test.each(['engineer', 'admin'] as const)('an %s installs and removes no nodes and changes no settings', async role => {
    const send = (method: string, path: string, body: object) =>
      fetch(`${room.flows.url}/flows${path}`, {
        method,
        headers: { ...room.as(role), 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
    expect((await send('POST', '/nodes', { module: 'left-pad' })).status).toBe(404)
    expect((await send('DELETE', '/nodes/@fengsui/nodes', {})).status).toBe(401)
    expect((await send('PUT', '/nodes/node-red/inject', { enabled: false })).status).toBe(401)
    expect((await send('POST', '/settings/user', { telemetryEnabled: true })).status).toBe(401)
  })
  test('a deploy names the revision it began with', async () => {
    const post = (headers: Record<string, string>, body: object, path = 'flows') =>
      fetch(`${room.flows.url}/flows/${path}`, {
        method: 'POST',
        headers: { ...room.as('engineer'), 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    expect((await post({}, { flows: [] })).status).toBe(400)
    expect((await post({ 'Node-RED-API-Version': 'v1' }, [])).status).toBe(400)
    expect((await post({}, { flows: [], rev: 'an old one' })).status).toBe(409)
    const { rev } = (await (await room.get('/flows')).json()) as { rev: string }
    expect((await post({}, { flows: [null], rev })).status).toBe(400)
    const raw = async (body: string) => {
      const answer = await fetch(`${room.flows.url}/flows/flows`, {
        method: 'POST',
        headers: { ...room.as('engineer'), 'Content-Type': 'application/json' },
        body,
      })
      return [answer.status, ((await answer.json()) as { code: string }).code]
    }
    expect(await raw('{"flows":[{')).toEqual([400, 'invalid-request'])
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    expect(await raw(`{"rev":"${rev}","flows":[{"id":"t","type":"tab","x":${nested}}]}`)).toEqual([400, 'invalid-request'])
    expect(await raw(JSON.stringify({ flows: [], rev, more: 'x'.repeat(6_000_000) }))).toEqual([413, 'payload-too-large'])
    // Node-RED itself does not tell large letters from small ones
    expect((await post({ 'Node-RED-API-Version': 'v1' }, [], 'Flows')).status).toBe(400)
    for (const path of ['flow', 'FLOW']) {
      const single = await post({}, { id: 'x', label: 'x', nodes: [] }, path)
      expect([single.status, await single.text()]).toEqual([400, expect.stringContaining('one by one')])
    }
  })
})

describe('what is there', () => {
  test('our nodes, in both languages; no programs, files, sockets or endpoints', async () => {
    const nodes = (await (await room.get('/nodes')).json()) as { types: string[]; err?: string }[]
    const types = nodes.flatMap(n => n.types)
    expect(nodes.filter(n => n.err)).toEqual([])
    expect(types).toEqual(expect.arrayContaining(['fire-server', 'fire-reading', 'fire-alert', 'function', 'inject', 'debug']))
    for (const type of ['exec', 'file', 'file in', 'watch', 'tcp in', 'tcp out', 'udp in', 'http in', 'websocket in'])
      expect(types).not.toContain(type)
    const words = async (lang: string) => (await room.get(`/nodes/@fengsui/nodes/fire-alert/messages?lng=${lang}`)).text()
    expect(await words('zh-CN')).toContain('报警')
    expect(await words('en-US')).toContain('raise alarm')
    const help = await fetch(`${room.flows.url}/flows/nodes`, {
      headers: { ...room.as('engineer'), Accept: 'text/html', 'Accept-Language': 'zh-CN' },
    })
    expect(await help.text()).toContain('向处置队列报警')
    expect((await fetch(`${room.flows.url}/flows/icons/@fengsui/nodes/alert.svg`)).headers.get('content-type')).toContain('svg')
  })
  test('the examples can be opened, and deploy', async () => {
    const folder = '/library/examples/flows/@fengsui/nodes/'
    const listed = (await (await room.get(folder)).json()) as { fn: string }[]
    expect(listed.map(e => e.fn).sort()).toEqual([
      'camera and smoke',
      'cooking nuisance',
      'e bike charging heat',
      'hydrant pressure trend',
      'station not ready at night',
      'sustained heat',
      'two of three',
    ])
    for (const { fn } of listed) {
      const nodes = (await (await room.get(folder + encodeURIComponent(fn))).json()) as Node[]
      expect((await room.deploy(nodes)).status).toBe(200)
    }
  })
})

test('a function that breaks out of its sandbox gets neither files, programs, secrets nor other processes', async () => {
  const data = room.dir
  const probe = `
    const process = console.log.constructor('return process')()
    const get = name => process.getBuiltinModule(name)
    const tries = {
      passwd: () => get('node:fs').readFileSync('/etc/passwd', 'utf8'),
      environ: () => get('node:fs').readFileSync('/proc/self/environ', 'utf8'),
      flowFile: () => get('node:fs').readFileSync(${JSON.stringify(join(data, 'flows/store/flows.json'))}, 'utf8'),
      data: () => get('node:fs').readdirSync(${JSON.stringify(data)}).join(),
      write: () => get('node:fs').writeFileSync(${JSON.stringify(join(data, 'written'))}, 'x') ?? 'wrote',
      program: () => String(get('node:child_process').execSync('id')),
      worker: () => String(new (get('node:worker_threads').Worker)('1', { eval: true })),
      binding: () => String(process.binding('spawn_sync')),
      sqlite: () => String(get('node:sqlite').DatabaseSync),
      signal: () => String(process.kill(process.ppid, 0)),
      rawSignal: () => String(process._kill(process.ppid, 0)),
      debug: () => String(process._debugProcess(process.ppid)),
      addon: () => process.dlopen({ exports: {} }, '/nowhere.node'),
      inspector: () => get('node:inspector').open(0) ?? 'opened',
      session: () => new (get('node:inspector').Session)().connectToMainThread() ?? 'connected',
      wasi: () => String(new (get('node:wasi').WASI)({ version: 'preview1' })),
      execve: () => process.execve('/bin/true'),
      raw: () => {
        const { TCP } = { TCP: get('node:net').connect({ host: '127.0.0.1', port: 9 }).on('error', () => {})._handle.constructor }
        const answers = ['connect', 'connect6'].map(how => new TCP(0)[how]({}, how === 'connect' ? '127.0.0.1' : '::1', ${brokerPort()}))
        return answers.every(answer => answer < 0) ? 'refused ' + answers : 'connected'
      },
      priority: () => String(get('node:os').setPriority(process.ppid, 19)),
      env: () => JSON.stringify(process.env),
      argv: () => [...process.argv, ...process.execArgv].join(' '),
    }
    const { connect } = get('node:net')
    const dial = to => new Promise(done => connect(to).on('connect', () => done('connected')).on('error', error => done('refused ' + error.code)))
    const got = {}
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '0.0.0.0', '::ffff:127.0.0.1', '::1']) got[host] = await dial({ host, port: ${brokerPort()} })
    got.unix = await dial({ path: '/var/run/docker.sock' })
    got.fetch = await console.log.constructor('return fetch')()('http://127.0.0.1:${brokerPort()}').then(() => 'answered', error => 'refused ' + error.cause?.code)
    for (const [name, attempt] of Object.entries(tries)) { try { got[name] = attempt() } catch (e) { got[name] = 'refused ' + (e.code || e.message) } }
    msg.alert = { text: { en: 'probe' }, evidence: Object.entries(got).map(([what, value]) => ({ seq: 1, deviceId: 'd', ts: msg.payload.ts, receivedAt: msg.payload.ts, what, value: String(value) })) }
    return msg`
  expect((await room.deploy(alarming(probe, { rule: 'probe' }))).status).toBe(200)
  room.api.readings.push(reading(1))
  await until(
    () => room.api.posts.length > 0,
    60_000,
    () => `the probe's answer; ${JSON.stringify(room.log.slice(-5))}`,
  )
  const got = Object.fromEntries(room.api.posts[0]!.evidence.map(e => [e.what, String(e.value)]))
  const { env = '', argv = '', ...closed } = got
  expect(Object.entries(closed).filter(([, value]) => !value.startsWith('refused'))).toEqual([])
  expect(Object.keys(closed)).toHaveLength(27)
  expect(knocks).toBe(0)
  for (const secret of [TOKEN, SSO, CREDENTIAL_SECRET]) expect(env + argv).not.toContain(secret)
})

test('who deployed what is written down', async () => {
  const history = JSON.parse(await readFile(join(room.dir, 'flows/store/history.json'), 'utf8')) as { by: string; added: number }[]
  expect(history[0]).toMatchObject({ by: 'system:shipped' })
  expect(history.at(-1)).toMatchObject({ by: 'user:some-engineer', added: 4 })
  expect(room.log.some(l => l.message === 'flows audit' && JSON.stringify(l.fields).includes('permission.fail'))).toBe(true)
  expect(JSON.stringify(room.log)).not.toContain(TOKEN)
})

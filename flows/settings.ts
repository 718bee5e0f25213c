// Node-RED's settings for production. Nothing here can be changed by environment or in the editor: no palette, no telemetry, no
// catalogue, no HTTP endpoints of flows' own, no nodes that reach files or programs, every sign-in checked by the supervisor.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { unneeded } from './core-nodes.ts'
import { guards, type Middleware } from './guard.ts'
import type { Line } from './line.ts'
import type { FlowNode, FlowUser, Start } from './link.ts'
import type { Own } from './nodes/lib/red.ts'

/** Files of Node-RED's core nodes that are not loaded: programs, files, sockets, and endpoints past the dashboard's door. */
const EXCLUDED = ['90-exec.js', '10-file.js', '23-watch.js', '31-tcpin.js', '32-udp.js', '21-httpin.js', '22-websocket.js']
const LEVELS: Record<number, 'error' | 'warn' | 'info' | 'debug'> = { 10: 'error', 20: 'error', 30: 'warn', 40: 'info' }
const LOG_CHARS_MAX = 2000
const NODES = join(import.meta.dirname, 'nodes')
/** core nodes, their words beside them */
export const CORE = dirname(createRequire(createRequire(import.meta.url).resolve('node-red')).resolve('@node-red/nodes/package.json'))

type LogEntry = { level: number; msg?: unknown; type?: string; name?: string; id?: string; event?: string; timestamp?: number } & Record<
  string,
  unknown
>

export function nodeRedSettings(start: Start, line: Line, json: Middleware, ready: Promise<void>): Record<string, unknown> {
  let revision = 'none'
  const own: Own = {
    apiUrl: start.apiUrl,
    token: start.apiToken,
    revision: () => revision,
    ready,
    feed: state => line.tell({ type: 'feed', state }),
  }
  return {
    uiHost: start.host,
    uiPort: start.port,
    userDir: start.userDir,
    nodesDir: NODES,
    flowFile: 'flows.json',
    credentialSecret: start.credentialSecret,
    storageModule: storage(line, rev => (revision = rev)),
    lang: start.lang,
    fengsui: own,

    httpAdminRoot: '/flows/',
    httpNodeRoot: false,
    httpAdminMiddleware: guards(json, line, start.lang),
    adminAuth: {
      type: 'credentials',
      users: async () => null, // sessions are our own tokens, never Node-RED's
      authenticate: (username: string, password: string): Promise<FlowUser | null> => line.ask('login', username, password),
      tokens: (token: string): Promise<FlowUser | null> => line.ask('who', token),
    },
    apiMaxLength: '5mb',

    nodesExcludes: EXCLUDED,
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false, allowUpdate: false, allowUpload: false },
      modules: { allowInstall: false },
    },
    functionExternalModules: false,
    globalFunctionTimeout: functionTimeoutS(start.careful === true),
    functionTimeout: 0,
    functionGlobalContext: {},
    exportGlobalContextKeys: false,
    nodeMessageBufferMaxLength: 1000,
    tlsConfigDisableLocalFiles: true,
    debugMaxLength: 1000,
    contextStorage: {
      default: { module: 'memory' },
      memory: { module: 'memory' },
      file: { module: 'localfilesystem' },
      // written before set() calls back: what a rule has seen survives a kill. Asynchronous use only.
      durable: { module: 'localfilesystem', config: { base: 'durable', cache: false } },
    },

    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false, ui: false },
    runtimeState: { enabled: false, ui: false },
    editorTheme: editorTheme(start.lang),
    logging: logging(line),
  }
}

/** For a process that tries flows: no editor, no endpoints, memory only, and messages delivered at once, so that it is quick. */
export function trialSettings(start: Start, own: Own, problem: (text: string) => void): Record<string, unknown> {
  let flows: FlowNode[] = []
  const memory = { module: 'memory' }
  return {
    httpAdminRoot: false,
    httpNodeRoot: false,
    userDir: start.userDir,
    ...(start.trial === 'backtest' ? fewNodes(start.userDir) : { nodesDir: NODES }),
    credentialSecret: start.credentialSecret,
    storageModule: {
      init: async () => {},
      getFlows: async () => flows,
      saveFlows: async (given: FlowNode[]) => void (flows = given),
      getCredentials: async () => ({}),
      saveCredentials: async () => {},
      getSettings: async () => ({}),
      saveSettings: async () => {},
      getLibraryEntry: async () => [],
      saveLibraryEntry: async () => {},
    },
    lang: start.lang,
    fengsui: own,
    runtimeSyncDelivery: start.trial === 'backtest',
    nodesExcludes: start.types === undefined ? EXCLUDED : [...EXCLUDED, ...unneeded(new Set(start.types))],
    externalModules: { autoInstall: false, palette: { allowInstall: false }, modules: { allowInstall: false } },
    functionExternalModules: false,
    functionTimeout: 0,
    functionGlobalContext: {},
    contextStorage: { default: memory, memory, file: memory, durable: memory },
    telemetry: { enabled: false, updateNotification: false },
    logging: {
      main: {
        level: 'warn',
        handler: () => (entry: LogEntry) => {
          if (entry.type !== undefined && entry.level <= 20) problem(`${entry.type} ${entry.name ?? entry.id ?? ''}: ${wording(entry.msg)}`)
        },
      },
    },
  }
}

/** From the core's folder upwards Node-RED reads the package.json of every package there is; from here it finds none, and the core as any folder. */
const fewNodes = (userDir: string) => ({ coreNodesDir: userDir, nodesDir: [NODES, join(CORE, 'core')] })

/** A limit of its own for each call of a function starts a thread, and costs fifty times a simple call. */
export const functionTimeoutS = (careful: boolean): number => (careful ? 1 : 0)

function editorTheme(lang: Start['lang']): Record<string, unknown> {
  const title = lang === 'zh-CN' ? '烽燧 · 流程' : 'Fengsui flows'
  return {
    page: { title, scripts: ['signed-in.js', 'release.js'].map(name => join(import.meta.dirname, 'page', name)) },
    header: { title },
    logout: { redirect: '/' },
    palette: {
      catalogues: [],
      theme: [],
      categories: ['fengsui', 'subflows', 'common', 'function', 'network', 'sequence', 'parser', 'storage'],
    },
    projects: { enabled: false },
    multiplayer: { enabled: true },
    tours: false,
    menu: { 'menu-item-help': { label: title, url: 'https://nodered.org/docs' } },
    codeEditor: { lib: 'monaco' },
  }
}

/** The supervisor keeps the files; Node-RED's settings (node list, instance id) too. There is no library of shared snippets. */
function storage(line: Line, running: (rev: string) => void): Record<string, unknown> {
  return {
    init: async () => {},
    async getFlows() {
      const { flows, rev } = await line.ask('getFlows')
      running(rev)
      return flows
    },
    async saveFlows(flows: FlowNode[], user?: { username?: string }) {
      const { rev } = await line.ask('saveFlows', flows, user?.username ?? 'unknown')
      running(rev)
    },
    getCredentials: () => line.ask('getCredentials'),
    saveCredentials: (credentials: Record<string, unknown>) => line.ask('saveCredentials', credentials),
    getSettings: () => line.ask('getSettings'),
    saveSettings: (settings: Record<string, unknown>) => line.ask('saveSettings', settings),
    getLibraryEntry: async () => [],
    saveLibraryEntry: async () => {
      throw Object.assign(new Error('the library is off; export to a file instead'), { code: 'forbidden', status: 403 })
    },
  }
}

function logging(line: Line): Record<string, unknown> {
  const main = (entry: LogEntry): void => {
    const node = entry.type === undefined ? {} : { node: `${entry.type}:${entry.name ?? entry.id ?? ''}` }
    line.tell({ type: 'log', level: LEVELS[entry.level] ?? 'debug', message: wording(entry.msg), ...node })
  }
  // every token is ours, so Node-RED's own token store misses each time: that says nothing about the caller
  const audit = (entry: LogEntry): void => {
    if (entry.event !== 'auth.invalid-token') line.tell({ type: 'audit', entry: bounded(entry) })
  }
  return { main: { level: 'info', handler: () => main }, audit: { level: 'off', audit: true, handler: () => audit } }
}

/** An error of a function's own context is no instance of ours. */
const isError = (value: unknown): value is Error =>
  typeof value === 'object' && value !== null && typeof (value as Error).message === 'string'

function wording(message: unknown): string {
  const text = isError(message) ? (message.stack ?? message.message) : typeof message === 'string' ? message : JSON.stringify(message)
  return (text ?? '').slice(0, LOG_CHARS_MAX)
}

/** Names, paths and events only: a token never gets into the audit. */
function bounded(entry: LogEntry): Record<string, unknown> {
  const { event, path, ip, type, username, permissions, id, error } = entry
  const by = entry['user'] as { username?: string } | undefined
  const all = { event, by: by?.username, path, ip, type, username, permissions, id, error }
  return Object.fromEntries(
    Object.entries(all).flatMap(([k, v]) => (v === undefined ? [] : [[k, typeof v === 'string' ? v.slice(0, 300) : v]])),
  )
}

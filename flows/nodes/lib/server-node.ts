// fire-server: which API the other nodes talk to. Empty = this system's own, with the token the process was started with.
// The token stays in a closure: it is not a property of the node and never goes to another address than the one it is for.
import { apiAt, type Api } from './http.ts'
import { ownOf, type Own, type Red, type RedNode } from './red.ts'

export type FireServer = RedNode & { api: Api }
type Config = { id: string; url?: string }

export default function (red: Red): void {
  function Server(this: FireServer & { credentials?: { token?: string } }, config: Config): void {
    red.nodes.createNode(this, config)
    this.api = apiOf(ownOf(red), config.url, this.credentials?.token)
  }
  red.nodes.registerType('fire-server', Server, { credentials: { token: { type: 'password' } } })
}

/** The configured server, or this system's own where none was chosen. */
export function serverOf(red: Red, id: string | undefined): Api {
  const chosen = id === undefined || id === '' ? null : (red.nodes.getNode(id) as FireServer | null)
  return chosen?.api ?? apiOf(ownOf(red), undefined, undefined)
}

function apiOf(own: Own, url: string | undefined, ownToken: string | undefined): Api {
  const isElsewhere = url !== undefined && url.trim() !== ''
  return isElsewhere ? apiAt(url, ownToken) : apiAt(own.apiUrl, own.token)
}

// fire-server: which API the other nodes talk to. Empty = this system's own, with the token the process was started with.
// The token stays in a closure: it is not a property of the node and never goes to another address than the one it is for.
import { ownOf, type Own, type Red, type RedNode } from './red.ts'

export type Request = (path: string, init: RequestInit) => Promise<Response>
export type FireServer = RedNode & { request: Request }
type Config = { id: string; url?: string }

export default function (red: Red): void {
  function Server(this: FireServer & { credentials?: { token?: string } }, config: Config): void {
    red.nodes.createNode(this, config)
    this.request = requestTo(ownOf(red), config.url, this.credentials?.token)
  }
  red.nodes.registerType('fire-server', Server, { credentials: { token: { type: 'password' } } })
}

/** The configured server, or this system's own where none was chosen. */
export function serverOf(red: Red, id: string | undefined): Request {
  const chosen = id === undefined || id === '' ? null : (red.nodes.getNode(id) as FireServer | null)
  return chosen?.request ?? requestTo(ownOf(red), undefined, undefined)
}

function requestTo(own: Own, url: string | undefined, ownToken: string | undefined): Request {
  const elsewhere = url !== undefined && url.trim() !== ''
  const base = (elsewhere ? url.trim() : own.apiUrl).replace(/\/+$/, '')
  const token = elsewhere ? ownToken : own.token
  return (path, init) => {
    const headers = new Headers(init.headers)
    if (token !== undefined && token !== '') headers.set('Authorization', `Bearer ${token}`)
    return fetch(base + path, { ...init, headers })
  }
}

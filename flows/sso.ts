// Signing in once: the dashboard tells Node-RED who is asking with a short-lived signed token, and a role becomes a list of
// Node-RED permissions. Nobody ever gets nodes.write or settings.write: what may run here is decided by the installation.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Role } from '#contracts/people.ts'
import type { FlowUser } from './link.ts'

/** `exp` in seconds since 1970 (milliseconds are understood too: no second count is that large before the year 5138). */
export type SsoClaim = { name: string; role: Role; exp: number }

const MILLISECONDS_FROM = 1e11

/** not one of Node-RED's: what is deployed by who has it needs nobody else */
export const APPROVE = 'fengsui.approve'

/** To look at flows, nodes and what goes on: not at credentials, which Node-RED's plain `read` would include. */
const LOOK = ['flows', 'nodes', 'plugins', 'library', 'settings', 'context', 'status', 'debug'].map(what => `${what}.read`)
const WRITE = ['credentials.read', 'flows.write', 'inject.write', 'debug.write']
/** What each role may do in Node-RED; absent = nothing at all, not even look. */
const PERMISSIONS: Partial<Record<Role, readonly string[]>> = {
  officer: LOOK,
  viewer: LOOK,
  approver: LOOK,
  engineer: [...LOOK, ...WRITE],
  admin: [...LOOK, ...WRITE, APPROVE],
}

/** null = this role has no business in the flows. */
export function userOf(name: string, role: string): FlowUser | null {
  const permissions = Object.hasOwn(PERMISSIONS, role) ? PERMISSIONS[role as Role] : undefined
  return permissions === undefined ? null : { username: name, permissions: [...permissions] }
}

/** base64url(JSON claim) + '.' + base64url(HMAC-SHA256(secret, first part)) */
export function signToken(secret: string, claim: SsoClaim): string {
  const body = Buffer.from(JSON.stringify(claim)).toString('base64url')
  return `${body}.${signature(secret, body)}`
}

/** null when forged, damaged, out of date or without a name and role. Never throws. */
export function verifyToken(secret: string, token: string, nowMs: number): SsoClaim | null {
  const [body, mac, ...rest] = token.split('.')
  if (body === undefined || mac === undefined || rest.length > 0) return null
  const want = Buffer.from(signature(secret, body))
  const have = Buffer.from(mac)
  if (want.length !== have.length || !timingSafeEqual(want, have)) return null
  const claim = parsed(body)
  if (claim === null) return null
  const expMs = claim.exp >= MILLISECONDS_FROM ? claim.exp : claim.exp * 1000
  return expMs > nowMs ? claim : null
}

const signature = (secret: string, body: string): string => createHmac('sha256', secret).update(body).digest('base64url')

function parsed(body: string): SsoClaim | null {
  try {
    const { name, role, exp } = JSON.parse(Buffer.from(body, 'base64url').toString()) as Partial<SsoClaim>
    return typeof name === 'string' && name !== '' && typeof role === 'string' && typeof exp === 'number' ? { name, role, exp } : null
  } catch {
    return null
  }
}

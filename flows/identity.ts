// Who may do what in Node-RED, decided outside its process: the signing secret and the accounts never get into it.
import type { Clock, Log } from '#contracts/clock.ts'
import { SCOPES_OF, type Role } from '#contracts/people.ts'
import type { FlowUser } from './link.ts'
import { signToken, userOf, verifyToken } from './sso.ts'

const SESSION_S = 8 * 3600
const LOGIN_MS_MAX = 5000

export type Identity = { who: (token: string) => FlowUser | null; login: (username: string, password: string) => Promise<FlowUser | null> }

export function createIdentity(o: { apiUrl: string; ssoSecret: string; clock: Clock; log: Log }): Identity {
  const { apiUrl, ssoSecret, clock, log } = o
  return {
    who(token) {
      const claim = verifyToken(ssoSecret, token, clock.nowMs())
      if (claim === null) log.warn({ room: 'flows' }, 'a token for Node-RED was refused: forged, damaged or out of date')
      return claim === null ? null : userOf(claim.name, claim.role)
    },
    /** The same name and password as on the dashboard; what the editor then holds is a token of ours. */
    async login(username, password) {
      const role = await roleOf(apiUrl, username, password)
      const user = role === null ? null : userOf(username, role)
      if (user === null || role === null) return null
      const exp = Math.floor(clock.nowMs() / 1000) + SESSION_S
      return { ...user, token: signToken(ssoSecret, { name: username, role, exp }) }
    },
  }
}

/** null = wrong password, no such user, or the API did not answer: nobody gets in on a guess. */
async function roleOf(apiUrl: string, username: string, password: string): Promise<Role | null> {
  const response = await fetch(`${apiUrl}/api/v1/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
    signal: AbortSignal.timeout(LOGIN_MS_MAX),
  })
  if (!response.ok) return null
  const body = (await response.json()) as { role?: string; principal?: { role?: string }; user?: { role?: string } }
  const role = body.principal?.role ?? body.user?.role ?? body.role
  return role !== undefined && Object.hasOwn(SCOPES_OF, role) ? (role as Role) : null
}

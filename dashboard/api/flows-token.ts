// The pass that the proxy hands to Node-RED with every request: who is asking and in which role, signed, short-lived.
// base64url(JSON {name, role, exp}) '.' base64url(HMAC-SHA256(secret, the first part)); `exp` in seconds since 1970.
// Node-RED's adminAuth.tokens(pass) verifies it; nobody logs in twice and no password reaches that process.
import { createHmac } from 'node:crypto'
import type { Role } from '#contracts/people.ts'

export type FlowsPass = { name: string; role: Role; /** seconds since 1970 */ exp: number }

export function signFlowsPass(pass: FlowsPass, secret: string): string {
  const claims = Buffer.from(JSON.stringify(pass)).toString('base64url')
  return `${claims}.${createHmac('sha256', secret).update(claims).digest('base64url')}`
}

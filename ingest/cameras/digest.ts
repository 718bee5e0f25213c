// HTTP authentication as cameras ask for it: Digest (RFC 7616, MD5 and SHA-256, qop auth) or Basic. Answers what goes into the
// Authorization header; a password never leaves it otherwise.
import { createHash, randomBytes } from 'node:crypto'

export type Login = { username: string; password: string }

/** undefined = the challenge is of a kind that is not known here. */
export function authorization(challenges: readonly string[], login: Login, method: string, uri: string): string | undefined {
  const digest = challenges.find(one => /^digest\s/i.test(one) && hashOf(parametersOf(one)) !== undefined)
  if (digest !== undefined) return digestOf(parametersOf(digest), login, method, uri)
  if (!challenges.some(one => /^basic\b/i.test(one))) return undefined
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
}

type Parameters = Readonly<Record<string, string>>

function parametersOf(challenge: string): Parameters {
  const found = challenge.matchAll(/([a-zA-Z-]{1,32})\s*=\s*(?:"((?:[^"\\]|\\.){0,1024})"|([^\s,"]{1,256}))/g)
  return Object.fromEntries([...found].map(([, key = '', quoted, plain = '']) => [key.toLowerCase(), quoted ?? plain]))
}

const hashOf = ({ algorithm = 'MD5' }: Parameters): 'md5' | 'sha256' | undefined =>
  /^md5(?:-sess)?$/i.test(algorithm) ? 'md5' : /^sha-256(?:-sess)?$/i.test(algorithm) ? 'sha256' : undefined

function digestOf(given: Parameters, { username, password }: Login, method: string, uri: string): string {
  const { realm = '', nonce = '', opaque, algorithm, qop } = given
  const hash = (text: string): string =>
    createHash(hashOf(given) ?? 'md5')
      .update(text)
      .digest('hex')
  const cnonce = randomBytes(8).toString('hex')
  const isSession = algorithm !== undefined && /-sess$/i.test(algorithm)
  const secret = hash(`${username}:${realm}:${password}`)
  const ha1 = isSession ? hash(`${secret}:${nonce}:${cnonce}`) : secret
  const ha2 = hash(`${method}:${uri}`)
  const hasQop = qop !== undefined && qop.split(',').some(one => one.trim() === 'auth')
  const response = hasQop ? hash(`${ha1}:${nonce}:00000001:${cnonce}:auth:${ha2}`) : hash(`${ha1}:${nonce}:${ha2}`)
  const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`
  return [
    `Digest username=${quoted(username)}, realm="${realm}", nonce="${nonce}", uri=${quoted(uri)}, response="${response}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
    ...(hasQop ? [`qop=auth, nc=00000001, cnonce="${cnonce}"`] : isSession ? [`cnonce="${cnonce}"`] : []),
  ].join(', ')
}

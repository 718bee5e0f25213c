// One HTTP request to a camera or its gateway, with the login it asks for (Basic, Digest). It goes to the address it was given and nowhere else: a
// redirection is a failure, and fenced, so is an address of the link (where clouds keep their secrets) or of many. No address or password stands in its errors.
import { lookup as lookUp, type LookupAddress } from 'node:dns'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { authorization, type Login } from './digest.ts'

export type Asked = {
  url: URL
  login?: Login
  /** the address came over the API: link-local ones and those of many are not asked */
  isFenced?: boolean
  /** connects there, whatever the name of the host leads to by now */
  at?: string
  ca?: Buffer
  method?: 'GET' | 'POST'
  /** until the head of the answer is there */
  answerMs: number
  signal: AbortSignal
  headers?: Record<string, string>
  body?: string
}

/** Where the metadata of a cloud machine lies (link-local, and four that are not), and what is no address of a machine at all. */
const NEVER = new BlockList()
NEVER.addSubnet('169.254.0.0', 16)
NEVER.addSubnet('0.0.0.0', 8)
NEVER.addSubnet('224.0.0.0', 3)
NEVER.addSubnet('fe80::', 10, 'ipv6')
NEVER.addSubnet('ff00::', 8, 'ipv6')
NEVER.addAddress('::', 'ipv6')
NEVER.addAddress('fd00:ec2::254', 'ipv6')
// Alibaba Cloud, Azure, Oracle Cloud
for (const address of ['100.100.100.200', '168.63.129.16', '192.0.0.192']) NEVER.addAddress(address)
// link-local of IPv4 in the clothes of IPv6: NAT64 (RFC 6052), 6to4 (RFC 3056), compatible (RFC 4291)
NEVER.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')
NEVER.addSubnet('2002:a9fe::', 32, 'ipv6')
NEVER.addSubnet('::a9fe:0', 112, 'ipv6')

export const isRefused = (address: string): boolean => {
  const family = isIP(address)
  return family !== 0 && NEVER.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
export const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/** A name is held against the same list as an address, each time it is looked up. */
const lookup: LookupFunction = (hostname, options, done) => {
  lookUp(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    const [first] = found ?? []
    if (error !== null || first === undefined) done(error ?? new Error('unknown host'), [])
    else if (found.some(({ address }) => isRefused(address))) done(new Error('it stands at an address that is never asked'), [])
    else if (options.all === true) done(null, found)
    else done(null, first.address, first.family)
  })
}

const always =
  (address: string): LookupFunction =>
  (_hostname, options, done) => {
    const family = isIP(address)
    if (options.all === true) done(null, [{ address, family }])
    else done(null, address, family)
  }

function once(o: Asked, login?: string): Promise<IncomingMessage> {
  const { url, ca, method = 'GET', answerMs, signal, headers = {}, body } = o
  return new Promise((resolve, reject) => {
    if (o.isFenced === true && (isRefused(bareHost(url)) || isRefused(o.at ?? '')))
      return reject(new Error('it stands at an address that is never asked'))
    const options: RequestOptions = {
      host: bareHost(url),
      port: url.port,
      path: url.pathname + url.search,
      method,
      headers: { accept: '*/*', ...headers, ...(login !== undefined && { authorization: login }) },
      agent: false,
      signal,
      ...(o.isFenced === true && { lookup }),
      ...(o.at !== undefined && { lookup: always(o.at) }),
      timeout: answerMs,
    }
    const answered = (answer: IncomingMessage): void => {
      clearTimeout(limit)
      asked.setTimeout(0)
      resolve(answer)
    }
    const asked =
      url.protocol === 'https:'
        ? requestHttps({ ...options, ...(ca !== undefined && { ca }) }, answered)
        : process.getBuiltinModule('node:http').request(options, answered)
    // the timeout of a socket counts silence; a head that comes byte by byte is late as well
    const late = (): void => void asked.destroy(new Error(`no answer within ${answerMs / 1000} s`))
    const limit = setTimeout(late, answerMs)
    asked.on('timeout', late)
    asked.on('error', error => {
      clearTimeout(limit)
      reject(error)
    })
    asked.end(body)
  })
}

/** The answer, its body unread. @throws Error that says in a few words why there is none */
export async function ask(o: Asked): Promise<IncomingMessage> {
  const { url, login, method = 'GET' } = o
  let answer = await once(o)
  if (answer.statusCode === 401 && login !== undefined) {
    discard(answer)
    const challenges = answer.headersDistinct['www-authenticate'] ?? []
    const header = authorization(challenges, login, method, url.pathname + url.search)
    if (header === undefined) throw new Error('it asks for a login of a kind that is not known here')
    answer = await once(o, header)
  }
  const { statusCode = 0 } = answer
  if (statusCode === 200 || (method === 'POST' && statusCode === 201)) return answer
  discard(answer)
  if (statusCode === 401) throw new Error(login === undefined ? 'it asks for a login' : 'user name or password is wrong')
  throw new Error(statusCode >= 300 && statusCode < 400 ? 'it sends elsewhere, which is not followed' : `it answers ${statusCode}`)
}

/** A body nobody wants is not read: it could be endless. */
function discard(answer: IncomingMessage): void {
  answer.on('error', () => {})
  answer.destroy()
}

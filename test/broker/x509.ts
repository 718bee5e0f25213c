// Makes X.509 certificates and revocation lists as the tests need them (expired, foreign, revoked), written out in DER: nothing
// in Node makes them. P-256 and SHA-256 only. For tests and benchmarks.
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const DAY_MS = 86_400_000

const tlv = (tag: number, ...parts: (Buffer | number[])[]): Buffer => {
  const body = Buffer.concat(parts.map(part => Buffer.from(part)))
  const n = body.length
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts)
const text = (value: string): Buffer => tlv(0x0c, Buffer.from(value))
const bits = (bytes: Buffer): Buffer => tlv(0x03, [0], bytes)
const octets = (bytes: Buffer): Buffer => tlv(0x04, bytes)
const oid = (dotted: string): Buffer => {
  const [a = 0, b = 0, ...rest] = dotted.split('.').map(Number)
  const base128 = (n: number): number[] => (n < 128 ? [n] : [...base128(n >> 7).map(x => x | 0x80), n & 0x7f])
  return tlv(0x06, [40 * a + b, ...rest.flatMap(base128)])
}
const time = (ms: number): Buffer =>
  tlv(
    0x18,
    Buffer.from(
      new Date(ms)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .replace(/Z?$/, 'Z'),
    ),
  )
const name = (commonName: string): Buffer => sequence(tlv(0x31, sequence(oid('2.5.4.3'), text(commonName))))
const SHA256_ECDSA = sequence(oid('1.2.840.10045.4.3.2'))
const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [tlv(0x01, [0xff])] : []), octets(value))
const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`

export type Made = {
  cert: string
  key: string
  serial: Buffer
  commonName: string
  keyPair: { publicKey: KeyObject; privateKey: KeyObject }
}
export type Wish = { uri?: string; fromMs?: number; toMs?: number; serverOf?: boolean }

function certify(commonName: string, issuer: Made | null, o: Wish): Made {
  const keyPair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isCa = issuer === null
  const serial = tlv(0x02, [1], randomBytes(8))
  const key = keyPair.publicKey.export({ type: 'spki', format: 'der' })
  const names = [
    ...(o.serverOf === true ? [tlv(0x82, Buffer.from('localhost')), tlv(0x87, [127, 0, 0, 1])] : []),
    ...(o.uri === undefined ? [] : [tlv(0x86, Buffer.from(o.uri))]),
  ]
  const extensions = sequence(
    extension('2.5.29.19', true, isCa ? sequence(tlv(0x01, [0xff])) : sequence()),
    extension('2.5.29.14', false, octets(createHash('sha1').update(key).digest())),
    ...(isCa ? [extension('2.5.29.15', true, tlv(0x03, [1, 0x06]))] : []),
    ...(names.length > 0 ? [extension('2.5.29.17', false, sequence(...names))] : []),
  )
  const now = Date.now()
  const body = sequence(
    tlv(0xa0, tlv(0x02, [2])),
    serial,
    SHA256_ECDSA,
    name(issuer?.commonName ?? commonName),
    sequence(time(o.fromMs ?? now - DAY_MS), time(o.toMs ?? now + 30 * DAY_MS)),
    name(commonName),
    key,
    tlv(0xa3, extensions),
  )
  const signature = sign('sha256', body, (issuer?.keyPair ?? keyPair).privateKey)
  return {
    commonName,
    serial,
    keyPair,
    cert: pem('CERTIFICATE', sequence(body, SHA256_ECDSA, bits(signature))),
    key: keyPair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

export type Authority = {
  cert: string
  server(o?: Wish): Made
  device(commonName: string, o?: Wish): Made
  /** a list of what is revoked, in force now */
  crl(revoked: readonly Made[]): string
}

export function authority(commonName = 'a fire district'): Authority {
  const ca = certify(commonName, null, {})
  return {
    cert: ca.cert,
    server: (o = {}) => certify('localhost', ca, { serverOf: true, ...o }),
    device: (deviceName, o = {}) => certify(deviceName, ca, o),
    crl(revoked) {
      const now = Date.now()
      const entries = revoked.map(({ serial }) => sequence(serial, time(now - DAY_MS)))
      const body = sequence(
        tlv(0x02, [1]),
        SHA256_ECDSA,
        name(commonName),
        time(now - DAY_MS),
        time(now + DAY_MS),
        ...(entries.length > 0 ? [sequence(...entries)] : []),
      )
      return pem('X509 CRL', sequence(body, SHA256_ECDSA, bits(sign('sha256', body, ca.keyPair.privateKey))))
    },
  }
}

/** Files of a folder that is gone with the test. */
export function folder(): { put(file: string, content: string): string; [Symbol.dispose](): void } {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-tls-'))
  return {
    put(file, content) {
      writeFileSync(join(dir, file), content)
      return join(dir, file)
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  }
}

// The files TLS needs: read and checked whole at start, looked at again every few seconds, taken when they changed and fit each
// other. A change that cannot be used (half written, key of another certificate) is told once and the ones before stay in force.
import { createHash, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'

export type TlsFiles = {
  cert: string
  key: string
  /** devices show a certificate that this CA signed */
  clientCa?: string
  /** revoked certificates of that CA */
  clientCrl?: string
}

/** Session tickets outlive a change of the server's certificate, but not one of who is trusted: a resumed session is not checked again. */
type Loaded = { context: SecureContextOptions & { ticketKeys: Buffer }; digest: string; trust: string; validTo: Date }

export const LOOK_AT_FILES_MS = 3000
const DAY_MS = 86_400_000
const WARN_BEFORE_MS = 21 * DAY_MS
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

export class Certificates {
  readonly #files: TlsFiles
  readonly #parts: { clock: Clock; log: Log; meter: Meter }
  #loaded: Loaded
  #toldOf = ''
  #warnedAtMs = -Infinity
  #timer: NodeJS.Timeout | undefined

  /** @throws FengsuiError setting-invalid */
  constructor(files: TlsFiles, parts: { clock: Clock; log: Log; meter: Meter }) {
    this.#files = files
    this.#parts = parts
    this.#loaded = load(files, readAll(files), null)
    this.#warn()
  }

  get context(): Loaded['context'] {
    return this.#loaded.context
  }

  /** null = all is well */
  get problem(): string | null {
    const { validTo } = this.#loaded
    if (this.#toldOf !== '') return 'the TLS files changed and cannot be used; the ones before are in force (see the log)'
    return validTo.getTime() < this.#parts.clock.nowMs() ? `the TLS certificate ended ${validTo.toISOString()}` : null
  }

  /** Looks every few seconds; `changed` is handed what is in force from then on. */
  watch(changed: (context: Loaded['context']) => void): void {
    this.#timer = setInterval(() => this.look(changed), LOOK_AT_FILES_MS)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  look(changed: (context: Loaded['context']) => void): void {
    let digest = ''
    try {
      const contents = readAll(this.#files)
      digest = digestOf(contents)
      if (digest !== this.#loaded.digest) {
        this.#loaded = load(this.#files, contents, this.#loaded)
        changed(this.#loaded.context)
        this.#parts.log.info({ validTo: this.#loaded.validTo }, 'the TLS certificate was read anew')
      }
      this.#toldOf = ''
    } catch (error) {
      const told = `${digest} ${(error as Error).message}`
      if (told !== this.#toldOf) this.#parts.log.error({ err: error }, 'the TLS files changed and cannot be used; the ones before stay')
      this.#toldOf = told
    }
    this.#warn()
  }

  #warn(): void {
    const { clock, log, meter } = this.#parts
    const leftMs = this.#loaded.validTo.getTime() - clock.nowMs()
    meter.gauge('fengsui_tls_certificate_left_seconds', Math.round(leftMs / 1000))
    if (leftMs > WARN_BEFORE_MS || Math.abs(clock.nowMs() - this.#warnedAtMs) < DAY_MS) return
    this.#warnedAtMs = clock.nowMs()
    const what = leftMs < 0 ? 'has ended: devices that check it will not connect' : 'ends soon'
    log.warn({ cert: this.#files.cert, validTo: this.#loaded.validTo }, `the TLS certificate ${what}; put a new one in its place`)
  }
}

type Contents = Record<keyof TlsFiles, Buffer | undefined>

const SETTING: Record<keyof TlsFiles, string> = {
  cert: 'FENGSUI_TLS_CERT',
  key: 'FENGSUI_TLS_KEY',
  clientCa: 'FENGSUI_TLS_CLIENT_CA',
  clientCrl: 'FENGSUI_TLS_CLIENT_CRL',
}

function wrong(name: keyof TlsFiles, files: TlsFiles, what: string, cause?: unknown): never {
  throw new FengsuiError('setting-invalid', `${SETTING[name]}=${files[name] ?? ''}: ${what}`, { cause })
}

function readAll(files: TlsFiles): Contents {
  const read = (name: keyof TlsFiles): Buffer | undefined => {
    const path = files[name]
    if (path === undefined) return undefined
    try {
      return readFileSync(path)
    } catch (error) {
      return wrong(name, files, `cannot be read: ${(error as Error).message}`, error)
    }
  }
  return { cert: read('cert'), key: read('key'), clientCa: read('clientCa'), clientCrl: read('clientCrl') }
}

function digestOf(contents: Contents): string {
  const hash = createHash('sha256')
  for (const bytes of Object.values(contents)) hash.update(`${bytes?.length ?? -1}:`).update(bytes ?? '')
  return hash.digest('base64')
}

function load(files: TlsFiles, contents: Contents, before: Loaded | null): Loaded {
  const { cert, key, clientCa, clientCrl } = contents
  const [own] = certificatesIn('cert', files, cert)
  if (own === undefined) return wrong('cert', files, 'no PEM certificate in it')
  checkKey(files, key, own)
  if (clientCa !== undefined && certificatesIn('clientCa', files, clientCa).length === 0)
    wrong('clientCa', files, 'no PEM certificate in it')
  const trust = `${clientCa?.toString('latin1') ?? ''}|${clientCrl?.toString('latin1') ?? ''}`
  const context = {
    cert,
    key,
    ...(clientCa === undefined ? {} : { ca: clientCa }),
    ...(clientCrl === undefined ? {} : { crl: clientCrl }),
    minVersion: 'TLSv1.2' as const,
    ticketKeys: before?.trust === trust ? before.context.ticketKeys : randomBytes(48),
    sessionTimeout: RESUMED_FOR_S,
  }
  try {
    createSecureContext(context)
  } catch (error) {
    wrong(clientCrl === undefined ? 'cert' : 'clientCrl', files, (error as Error).message, error)
  }
  return { context, digest: digestOf(contents), trust, validTo: own.validToDate }
}

/** How long a device may come back on its session ticket, without the asymmetric part of the handshake. */
const RESUMED_FOR_S = 6 * 3600

function certificatesIn(name: keyof TlsFiles, files: TlsFiles, pem: Buffer | undefined): X509Certificate[] {
  try {
    return (pem?.toString('latin1').match(CERTIFICATES) ?? []).map(text => new X509Certificate(text))
  } catch (error) {
    return wrong(name, files, `a certificate in it cannot be read: ${(error as Error).message}`, error)
  }
}

function checkKey(files: TlsFiles, pem: Buffer | undefined, certificate: X509Certificate): void {
  let key
  try {
    key = createPrivateKey(pem ?? '')
  } catch (error) {
    return wrong('key', files, `not a PEM private key without a passphrase: ${(error as Error).message}`, error)
  }
  if (!certificate.checkPrivateKey(key)) wrong('key', files, `not the key of the certificate in ${SETTING.cert}=${files.cert}`)
}

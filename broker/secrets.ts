// How a device's secret is kept: never itself. Random secrets (>= 128 bits) as salted SHA-256, since no hash makes guessing
// them harder; passwords that people chose as scrypt. docs/decisions/0001-device-secrets.md has the reasons and the numbers.
import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { FengsuiError } from '#contracts/errors.ts'

const GENERATED_BYTES = 18
const SALT_BYTES = 16
const KEY_BYTES = 32
const SCRYPT = { N: 16_384, r: 8, p: 1 } as const
export const PASSWORD_BYTES_MAX = 1024

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt)

/** 144 random bits. */
export const generateSecret = (): string => randomBytes(GENERATED_BYTES).toString('base64url')

/** 128 bits or more written as hex with a machine's spread of digits: nobody makes that up, so it needs no slow hash. */
const isMachineMade = (secret: string): boolean => /^[0-9a-fA-F]{32,}$/.test(secret) && new Set(secret.toLowerCase()).size >= 10

/** What to store for a secret that we made. */
export function hashGenerated(secret: string): string {
  const salt = randomBytes(SALT_BYTES)
  return `sha256$${salt.toString('base64url')}$${sha256(salt, secret).toString('base64url')}`
}

/** What to store for a secret that was given to us. */
export async function hashSupplied(secret: string): Promise<string> {
  if (isMachineMade(secret)) return hashGenerated(secret)
  const salt = randomBytes(SALT_BYTES)
  const key = await derive(secret, salt, KEY_BYTES, SCRYPT)
  return `scrypt$${SCRYPT.N}$${SCRYPT.r}$${SCRYPT.p}$${salt.toString('base64url')}$${key.toString('base64url')}`
}

const sha256 = (salt: Buffer, secret: string): Buffer => createHash('sha256').update(salt).update(secret).digest()
const bytesOf = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url')

/** Passwords that were right are remembered this many, oldest forgotten first. */
const REMEMBERED_MAX = 10_000
/** scrypt takes 16 MiB and a core's 50 ms: two at once, and a queue that a storm of wrong passwords cannot grow. */
const RUNNING_MAX = 2
const QUEUED_MAX = 500

/** Checks secrets. Keeps no password: what it remembers is keyed with a secret of this process. */
export class SecretCheck {
  readonly #processKey = randomBytes(32)
  readonly #remembered = new Map<string, Buffer>()
  readonly #queue: (() => void)[] = []
  #running = 0

  /** @throws FengsuiError too-many-requests when too many slow checks wait already */
  async matches(stored: string, secret: string): Promise<boolean> {
    const [kind, ...parts] = stored.split('$')
    if (kind === 'sha256') return timingSafeEqual(sha256(bytesOf(parts[0]), secret), bytesOf(parts[1]))
    const mark = createHmac('sha256', this.#processKey).update(secret).digest()
    const known = this.#remembered.get(stored)
    if (known !== undefined && timingSafeEqual(known, mark)) return true
    const right = await this.#slowly(parts, secret)
    if (right) this.#remember(stored, mark)
    return right
  }

  async #slowly([n, r, p, salt, key]: string[], secret: string): Promise<boolean> {
    await this.#turn()
    try {
      const derived = await derive(secret, bytesOf(salt), KEY_BYTES, { N: Number(n), r: Number(r), p: Number(p) })
      return timingSafeEqual(derived, bytesOf(key))
    } finally {
      this.#running--
      this.#queue.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= RUNNING_MAX) {
      if (this.#queue.length >= QUEUED_MAX)
        throw new FengsuiError('too-many-requests', `checking a password: ${QUEUED_MAX} others are being checked already`)
      await new Promise<void>(resolve => this.#queue.push(resolve))
    }
    this.#running++
  }

  #remember(stored: string, mark: Buffer): void {
    if (this.#remembered.size >= REMEMBERED_MAX) {
      const oldest = this.#remembered.keys().next().value
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    this.#remembered.set(stored, mark)
  }
}

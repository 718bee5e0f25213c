// Passwords as scrypt hashes that carry their own parameters. Never logs, never keeps a password; a wrong user name costs
// the same time as a wrong password. At most RUNNING_MAX run at once, because each takes 32 MiB and a thread of the pool.
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { FengsuiError } from '#contracts/errors.ts'

/** N = 2^15, r = 8: 32 MiB and about 80 ms a try */
const COST_LOG2 = 15
const BLOCK_SIZE = 8
const KEY_BYTES = 32
const RUNNING_MAX = 2
/** further tries wait here; beyond it they are refused, so that a flood of logins cannot fill the memory */
const WAITING_MAX = 100

export const PASSWORD_MIN = 10
export const PASSWORD_MAX = 256

let running = 0
const waiting: (() => void)[] = []

async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  if (running >= RUNNING_MAX) {
    if (waiting.length >= WAITING_MAX) throw new FengsuiError('too-many-requests', 'too many logins at once')
    await new Promise<void>(go => waiting.push(go))
  }
  running += 1
  try {
    return await work()
  } finally {
    running -= 1
    waiting.shift()?.()
  }
}

function derive(password: string, salt: Buffer, costLog2: number, blockSize: number): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** costLog2, r: blockSize, p: 1, maxmem: 256 * 2 ** costLog2 * blockSize }
  return oneAtATime(
    () =>
      new Promise((resolve, reject) =>
        scrypt(password.normalize('NFKC'), salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key))),
      ),
  )
}

/** A new random password of 108 bits that can be typed. */
export const newPassword = (): string => randomBytes(14).toString('base64url').slice(0, 18)

/** @throws FengsuiError invalid-request when too short or too long */
export async function hashPassword(password: string): Promise<string> {
  if (password.length < PASSWORD_MIN || password.length > PASSWORD_MAX) {
    throw new FengsuiError('invalid-request', `a password has ${PASSWORD_MIN} to ${PASSWORD_MAX} characters`)
  }
  const salt = randomBytes(16)
  const key = await derive(password, salt, COST_LOG2, BLOCK_SIZE)
  return ['scrypt', COST_LOG2, BLOCK_SIZE, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/** What unknown users are checked against: takes as long as a real one, and nothing matches it. */
const NOBODY = ['scrypt', COST_LOG2, BLOCK_SIZE, randomBytes(16).toString('base64url'), randomBytes(KEY_BYTES).toString('base64url')].join(
  '$',
)

/** Constant in time; `stored` undefined = no such user. */
export async function checkPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, costLog2, blockSize, salt, key] = (stored ?? NOBODY).split('$')
  if (costLog2 === undefined || blockSize === undefined || salt === undefined || key === undefined) {
    throw new FengsuiError('internal', 'a stored password hash cannot be read')
  }
  const given = await derive(password.slice(0, PASSWORD_MAX + 1), Buffer.from(salt, 'base64url'), Number(costLog2), Number(blockSize))
  return timingSafeEqual(given, Buffer.from(key, 'base64url')) && stored !== undefined
}

// Secrets of notifiers: long enough not to be guessed, checked once at start, never repeated in what is said about them.
import { createHmac } from 'node:crypto'
import { FengsuiError } from '#contracts/errors.ts'

/** @throws FengsuiError setting-invalid, without the secret */
export const checkedSecret = (name: string, secret: string, charactersMin: number): string => {
  if (secret.length < charactersMin)
    throw new FengsuiError('setting-invalid', `the ${name} secret has fewer than ${charactersMin} characters`)
  return secret
}

export const hmacBase64 = (algorithm: 'sha1' | 'sha256', key: string, text: string): string =>
  createHmac(algorithm, key).update(text).digest('base64')

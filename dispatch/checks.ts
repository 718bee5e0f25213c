// What people and other systems send is checked here, once, with an answer that says which field and what is allowed.
import { FengsuiError } from '#contracts/errors.ts'

const bad = (message: string): FengsuiError => new FengsuiError('invalid-request', message)

const CONTROL = /(?![\t\n\r])\p{Cc}/gu

/**
 * Words as they can be shown, printed and sent on: without control characters (tab and line ends stay), and no half of a character. They are
 * taken out and not refused: an alarm or a call for help does not fail on a byte that nobody sees.
 */
export const plainWords = (text: string): string => text.toWellFormed().replaceAll(CONTROL, '')

/** `text` in plain words, trimmed: 1 to `charactersMax` characters. */
export const required = (name: string, text: string | undefined, charactersMax: number): string => {
  const plain = typeof text === 'string' ? plainWords(text).trim() : ''
  if (plain === '') throw bad(`${name} is missing: 1 to ${charactersMax} characters`)
  if (plain.length > charactersMax) throw bad(`${name} has ${plain.length} characters, at most ${charactersMax} are allowed`)
  return plain
}

export const optional = (name: string, text: string | undefined, charactersMax: number): string | undefined =>
  text === undefined || plainWords(text).trim() === '' ? undefined : required(name, text, charactersMax)

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/** Milliseconds of an RFC 3339 time. */
export const timeMs = (name: string, time: string): number => {
  const ms = RFC_3339.test(time) ? Date.parse(time) : Number.NaN
  if (!Number.isFinite(ms)) throw bad(`${name} is "${time}": an RFC 3339 time such as 2026-03-12T22:40:00+08:00 is needed`)
  return ms
}

export const oneOf = <T extends string>(name: string, value: string, allowed: readonly T[]): T => {
  const found = allowed.find(one => one === value)
  if (found === undefined) throw bad(`${name} is "${value}": one of ${allowed.join(', ')} is needed`)
  return found
}

/** A list's length: from 1, cut to `max` where more was asked for. */
export const listLimit = (limit: number, max: number): number => {
  if (!Number.isSafeInteger(limit) || limit < 1) throw bad(`limit is ${limit}: a whole number from 1 to ${max} is needed`)
  return Math.min(limit, max)
}

export const BY_CHARACTERS_MAX = 100
export const REASON_CHARACTERS_MAX = 500
export const NOTE_CHARACTERS_MAX = 2000

/** Whoever acts: the plain name as shown, and the actor as timelines and audit name it. */
export const actorOf = (by: string): { by: string; actor: string } => {
  const name = required('by', by, BY_CHARACTERS_MAX)
  return { by: name, actor: name.includes(':') || name === 'system' ? name : `user:${name}` }
}

// Parameters of a command as its family needs them; what is missing or wrong becomes a problem that names it and what is allowed.
import type { Encoded, OutgoingCommand } from '../command-encoder.ts'

type Given = OutgoingCommand['parameters']

/** Thrown and caught within this folder: an encoder answers problems, it does not throw. */
export class Problem extends Error {}

export function encoding(make: () => Encoded): Encoded {
  try {
    return make()
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message }
    throw error
  }
}

export const unknown = (command: string, known: readonly string[]): Problem =>
  new Problem(`it does not understand ${command}; it understands ${known.join(', ')}`)

export function numberIn(given: Given, name: string, min: number, max: number, standard?: number): number {
  const value = given?.[name] ?? standard
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new Problem(`parameters.${name} must be a number from ${min} to ${max}`)
  return value
}

export function textIn(given: Given, name: string, pattern: RegExp): string {
  const value = given?.[name]
  if (typeof value !== 'string' || value.length > 512 || !pattern.test(value))
    throw new Problem(`parameters.${name} must be a text that matches ${pattern.source}`)
  return value
}

export function objectIn(given: Given, name: string): Record<string, unknown> {
  const value = given?.[name]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Problem(`parameters.${name} must be an object`)
  return value as Record<string, unknown>
}

/** The rest of a device id behind its prefix. A wildcard or an empty name leads nowhere. */
export function nameOf(deviceId: string, prefix: string): string {
  const name = deviceId.startsWith(prefix) ? deviceId.slice(prefix.length) : ''
  if (name === '' || /[#+\0]/.test(name)) throw new Problem(`${deviceId.slice(0, 64)} cannot stand in a topic`)
  return name
}

export const one = (topic: string, payload: object, answers: boolean): Encoded => ({
  messages: [{ topic, payload: JSON.stringify(payload) }],
  answers,
})

// What both commands share: numbers checked by name, the broker's address, and one way to end with a message.
import { FengsuiError } from '#contracts/errors.ts'

/** @throws FengsuiError invalid-request naming the option and what is allowed */
export function numberOption(name: string, value: string | undefined, fallback: number, lo: number, hi: number): number {
  if (value === undefined) return fallback
  const number = Number(value)
  if (value.trim() === '' || !(number >= lo && number <= hi))
    throw new FengsuiError('invalid-request', `--${name} ${value}: must be a number from ${lo} to ${hi}`)
  return number
}

/** @throws FengsuiError invalid-request */
export function brokerUrl(given: string | undefined, environment: Record<string, string | undefined>): URL {
  const text = given ?? `mqtt://127.0.0.1:${environment['FENGSUI_MQTT_PORT'] || '1883'}`
  const url = URL.parse(text)
  if (url === null || !['mqtt:', 'mqtts:', 'tcp:', 'ws:', 'wss:'].includes(url.protocol) || url.hostname === '')
    throw new FengsuiError('invalid-request', `--url ${text}: must be like mqtt://127.0.0.1:1883`)
  if (url.username !== '' || url.password !== '')
    throw new FengsuiError('invalid-request', '--url: give credentials by their own options, not inside the address')
  return url
}

export function endWith(command: string, error: unknown, usage: string): never {
  if (error instanceof FengsuiError)
    console.error(`fengsui ${command}: ${error.message}${error.code === 'invalid-request' ? `\n${usage}` : `\n${error.hint}`}`)
  else if (error instanceof TypeError && 'code' in error) console.error(`fengsui ${command}: ${error.message}\n${usage}`)
  else console.error(`fengsui ${command}: ${error instanceof Error ? error.stack : String(error)}`)
  process.exit(2)
}

export const count = (n: number) => n.toLocaleString('en')

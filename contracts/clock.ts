// Time and logging as things handed in, so that every deadline and every log line can be tested.

export type Clock = { nowMs(): number }
export const systemClock: Clock = { nowMs: () => Date.now() }

/** The part of pino's Logger that rooms use. */
export type Log = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  debug(fields: object, message: string): void
}
export const noLog: Log = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} }

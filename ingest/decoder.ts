// What every decoder is: bytes and a topic in, canonical readings out. A decoder never throws, never does I/O, never reads
// a clock, and remembers only through the memory handed to it: so the same journal always gives the same readings.
import type { Decoded } from '#contracts/reading.ts'
import type { Zone } from '#contracts/zone.ts'

/** The part of a journalled message that decoding may depend on. `family` names the decoder where no topic does (TCP, HTTP, tools). */
export type DecodeInput = {
  topic: string
  payload: Uint8Array
  receivedAtMs: number
  retain: boolean
  family?: string
  headers?: Record<string, string>
  /** as journalled; tells what a bridge brought */
  clientId?: string
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What a family has learned (births, aliases, device lists). Bounded; the oldest learned entry goes first: see memory.ts. */
export type DecoderMemory = {
  get(key: string): Json | undefined
  set(key: string, value: Json): void
  delete(key: string): void
}

export type Decoder = {
  /** the file's name without .ts; also the `source.family` of its readings */
  family: string
  /** of its code, given by the loader */
  version?: string
  claims(topic: string): boolean
  /** Asked for a topic that no family claims: has this one learned that it is to be read? */
  knows?(topic: string, memory: DecoderMemory): boolean
  /** `zone`: the district's local time, for devices that tell theirs without saying which; default Beijing */
  decode(input: DecodeInput, memory: DecoderMemory, zone?: Zone): Decoded
  /** a cheap scan of the bytes: may this message carry an active alarm? A false "yes" costs little, a false "no" must not happen. */
  mayCarryAlarm?(payload: Uint8Array): boolean
  /**
   * The same of a payload that lies in a larger buffer, for families that send so much that a view on each would cost. What a buffer
   * holds never changes: what was found in it may be remembered until the next one.
   */
  mayCarryAlarmWithin?(bytes: Buffer, from: number, to: number): boolean
  /** Does now what the first message would else wait for; called once, where a process has just become ready. */
  prepare?(): void
}

export const rejected = (code: string, reason: string, where?: string): Decoded => ({
  readings: [],
  rejected: { code, reason, ...(where !== undefined && { where }) },
})

export const ignored = (why: string): Decoded => ({ readings: [], ignored: why })

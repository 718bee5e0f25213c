// Decoded messages as a backtest takes them: one after the other, in portions, decoded here or ahead in another thread (see packed.ts).
import type { Message } from '#contracts/message.ts'
import type { Reading } from '#contracts/reading.ts'
import { CLOCK_IDENTITY, CLOCK_TOPIC } from '#contracts/topic.ts'

export type Listener = (nowMs: number, seq: number, isClock: boolean, readings: readonly Reading[]) => void
/** Tells all messages of a portion, in order. */
export type Portion = (listener: Listener) => void

/** any message says that time has passed; the edge's own clock says that it listened */
export const isClock = ({ topic, identity }: Message): boolean => topic === CLOCK_TOPIC && identity === CLOCK_IDENTITY

export async function* heardHere(
  batches: AsyncIterable<Message[]> | Iterable<Message[]>,
  decode: (message: Message) => Reading[],
): AsyncGenerator<Portion> {
  for await (const batch of batches)
    yield listener => {
      for (const message of batch) listener(message.receivedAtMs, message.seq, isClock(message), decode(message))
    }
}

// Publishes queued commands through the broker, in order of asking, each until the broker has it or its time is over. It keeps nothing: what
// is queued stands on disk, so a restart goes on, and what was sent is not sent again.
import type { Command } from '#contracts/command.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Commands } from './commands.ts'

export type SenderParts = {
  commands: Pick<Commands, 'waiting' | 'later' | 'sent' | 'end'>
  encode(c: Command): { messages: readonly { topic: string; payload: string }[]; answers: boolean } | { problem: string }
  publish(topic: string, payload: string): Promise<void>
  clock: Clock
  log: Log
}

const SENT_AT_ONCE_MAX = 100
const RETRY_MS = 1_000

export const createCommandSender = ({ commands, encode, publish, clock, log }: SenderParts) => {
  const under = new Set<string>()
  let closed = false

  const send = async (c: Command): Promise<void> => {
    under.add(c.id)
    try {
      const encoded = encode(c)
      // it could be encoded when it was taken; the device has become another one since
      if ('problem' in encoded) return commands.later(c.id, Date.parse(c.expiresAt))
      for (const { topic, payload } of encoded.messages) await publish(topic, payload)
      if (!closed)
        commands.sent(
          c.id,
          encoded.messages.map(m => m.topic),
          encoded.answers,
        )
    } catch (error) {
      log.warn({ err: error, commandId: c.id }, 'a command could not be handed to the broker; it is tried again')
      if (!closed) commands.later(c.id, clock.nowMs() + RETRY_MS)
    } finally {
      under.delete(c.id)
    }
  }

  return {
    /** Sends what waits; called when something was added, and a few times a second. */
    pump(): Promise<unknown> {
      const nowMs = clock.nowMs()
      commands.end(nowMs)
      return Promise.all(
        commands
          .waiting(nowMs, SENT_AT_ONCE_MAX)
          .filter(c => !under.has(c.id))
          .map(send),
      )
    },
    close(): void {
      closed = true
    },
  }
}

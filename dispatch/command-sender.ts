// Publishes queued commands through the broker, in order of asking, each until the broker has it or its time is over. It keeps nothing: what
// is queued stands on disk, so a restart goes on, and what was sent is not sent again - unless its device was moved to another gateway
// before it answered: the broker takes back what waits at the one before.
import type { Command } from '#contracts/command.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Commands } from './commands.ts'

export type SenderParts = {
  commands: Pick<Commands, 'waiting' | 'later' | 'sent' | 'end' | 'underWay' | 'again'>
  /** `waitsAt`: the gateway that hands it on, where that is known; null = the device hears for itself */
  encode(
    c: Command,
  ): { messages: readonly { topic: string; payload: string }[]; answers: boolean; waitsAt?: string | null } | { problem: string }
  /** of a device: its gateway now, null where it has none; undefined = the device is not known any more */
  viaOf?(deviceId: string): string | null | undefined
  publish(topic: string, payload: string): Promise<void>
  /** takes back what waits for a device that is away */
  withdraw(topic: string, payload: string): Promise<unknown>
  clock: Clock
  log: Log
}

const SENT_AT_ONCE_MAX = 100
const RETRY_MS = 1_000
const UNDER_WAY_MAX = 500
/** by then the door knows of the move too, and nothing new reaches the gateway before */
export const MOVED_MS = 2_000

export const createCommandSender = ({ commands, encode, viaOf, publish, withdraw, clock, log }: SenderParts) => {
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
          encoded.waitsAt,
        )
    } catch (error) {
      log.warn({ err: error, commandId: c.id }, 'a command could not be handed to the broker; it is tried again')
      if (!closed) commands.later(c.id, clock.nowMs() + RETRY_MS)
    } finally {
      under.delete(c.id)
    }
  }

  /** A device that comes back hours later is not to do what nobody waits for any more: not every one looks at the time in it. */
  const takeBack = async (c: Command): Promise<void> => {
    try {
      const encoded = encode(c)
      if ('problem' in encoded) return
      for (const [i, { topic, payload }] of encoded.messages.entries()) await withdraw(c.topics?.[i] ?? topic, payload)
    } catch (error) {
      log.warn({ err: error, commandId: c.id }, 'a command whose time is over could not be taken back from the broker')
    }
  }

  const takeBackMoved = (nowMs: number): void => {
    if (viaOf === undefined) return
    for (const { id, deviceId, waitsAt } of commands.underWay(nowMs, UNDER_WAY_MAX)) {
      if (waitsAt === undefined) continue
      const now = viaOf(deviceId)
      if (now !== undefined && now !== waitsAt)
        commands.again(id, `moved from ${waitsAt ?? 'no gateway'} to ${now ?? 'no gateway'}`, MOVED_MS)
    }
  }

  return {
    /** Sends what waits; called when something was added, and a few times a second. */
    pump(): Promise<unknown> {
      const nowMs = clock.nowMs()
      const over = commands.end(nowMs).filter(c => c.state === 'timed-out')
      takeBackMoved(nowMs)
      const waiting = commands.waiting(nowMs, SENT_AT_ONCE_MAX).filter(c => !under.has(c.id))
      return Promise.all([...over.map(takeBack), ...waiting.map(send)])
    },
    close(): void {
      closed = true
    },
  }
}

// The child's end of the line to the supervisor: ask and wait for the answer, or tell. Bounded: more than ASKS_MAX open questions
// are refused, more than TELLS_PER_S notices in a second are counted and dropped (a flow that logs in a loop must not fill memory).
import type { FromChild, Question, Questions, ToChild } from './link.ts'

const ASKS_MAX = 200
const TELLS_PER_S = 100
const FEED_MS = 200

type Waiting = { resolve(value: unknown): void; reject(error: Error): void }

export type Line = {
  ask<Q extends Question>(question: Q, ...args: Parameters<Questions[Q]>): Promise<ReturnType<Questions[Q]>>
  tell(message: Exclude<FromChild, { type: 'ask' }>): void
}

/** `on` gets every message that is not an answer. Without its supervisor the process ends. */
export function openLine(on: (message: ToChild) => void): Line {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let second = 0
  let told = 0
  let dropped = 0

  const send = (message: FromChild): void => void process.send?.(message)
  /** the newest of each feed: there may be hundreds a second, and the last must arrive */
  const feeds = new Map<string, FromChild>()
  const flush = (): void => {
    for (const message of feeds.values()) send(message)
    feeds.clear()
  }
  const report = (message: Extract<FromChild, { type: 'feed' }>): void => {
    if (feeds.size === 0) setTimeout(flush, FEED_MS)
    feeds.set(message.state.consumer, message)
  }
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: ToChild) => {
    if (message.type === 'answer' || message.type === 'refuse') {
      const asker = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.type === 'answer') asker?.resolve(message.value)
      else asker?.reject(new Error(message.message))
    } else on(message)
  })

  return {
    ask: <Q extends Question>(question: Q, ...args: Parameters<Questions[Q]>) =>
      new Promise<ReturnType<Questions[Q]>>((resolve, reject) => {
        if (waiting.size >= ASKS_MAX) return reject(new Error('too many questions to the supervisor are open'))
        const id = ++lastId
        waiting.set(id, { resolve: value => resolve(value as ReturnType<Questions[Q]>), reject })
        try {
          send({ type: 'ask', id, question, args })
        } catch (error) {
          waiting.delete(id) // it was never asked
          throw error
        }
      }),
    tell(message) {
      if (message.type === 'feed') return report(message)
      if (message.type !== 'log' && message.type !== 'audit') return send(message)
      const now = Math.floor(Date.now() / 1000)
      if (now !== second) {
        if (dropped > 0) send({ type: 'log', level: 'warn', message: `${dropped} lines in one second were dropped` })
        second = now
        told = dropped = 0
      }
      if (told++ < TELLS_PER_S) send(message)
      else dropped++
    },
  }
}

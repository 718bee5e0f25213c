// What comes over the line from Node-RED is not trusted: a flow may have got hold of it. Anything that is not a message of ours is
// dropped; nothing here throws into the supervisor.
import type { Log } from '#contracts/clock.ts'
import type { FeedState, Questions, ToChild } from './link.ts'

export type Answers = { [Q in keyof Questions]: (...args: Parameters<Questions[Q]>) => unknown }

const TEXT_CHARS_MAX = 2000
const ARGS_MAX = 2
const LEVELS = ['error', 'warn', 'info', 'debug'] as const

export function createEar(o: {
  log: Log
  answers: Answers
  started: () => void
  feed: (state: FeedState) => void
}): (message: unknown, answer: (m: ToChild) => void) => void {
  const { log, answers, started, feed } = o
  return (message, answer) => {
    if (!isObject(message)) return
    if (message['type'] === 'hello') started()
    if (message['type'] === 'log') note(log, message)
    if (message['type'] === 'audit') log.info({ room: 'flows', audit: isObject(message['entry']) ? message['entry'] : {} }, 'flows audit')
    if (message['type'] === 'feed') {
      const state = feedState(message['state'])
      if (state !== null) feed(state)
    }
    if (message['type'] === 'ask') void reply(message, answers, answer)
  }
}

async function reply(message: Record<string, unknown>, answers: Answers, answer: (m: ToChild) => void): Promise<void> {
  const { id, question, args } = message
  if (typeof id !== 'number' || typeof question !== 'string' || !Array.isArray(args) || args.length > ARGS_MAX) return
  try {
    if (!Object.hasOwn(answers, question)) throw new Error('there is no such question')
    const ask = answers[question as keyof Answers] as (...args: unknown[]) => unknown
    answer({ type: 'answer', id, value: await ask(...args) })
  } catch (error) {
    answer({ type: 'refuse', id, message: textOf(error instanceof Error ? error.message : error) })
  }
}

function note(log: Log, message: Record<string, unknown>): void {
  const level = LEVELS.find(l => l === message['level']) ?? 'debug'
  const node = typeof message['node'] === 'string' ? { node: textOf(message['node']) } : {}
  log[level]({ room: 'flows', ...node }, textOf(message['message']))
}

function feedState(state: unknown): FeedState | null {
  if (!isObject(state)) return null
  const { consumer, cursor, head, problem, gone } = state
  if (typeof consumer !== 'string' || typeof cursor !== 'number' || typeof head !== 'number') return null
  return {
    consumer: consumer.slice(0, 100),
    cursor,
    head,
    ...(problem !== undefined && { problem: textOf(problem).slice(0, 200) }),
    ...(gone === true && { gone }),
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : String(value)).slice(0, TEXT_CHARS_MAX)
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

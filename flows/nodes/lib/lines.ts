// Lines of a response that keeps coming, handed out one at a time. Who does not take them makes the other side wait; who waits for one while nothing
// at all comes has a dead line.
import type { Readable } from 'node:stream'

export type Lines = {
  /** null = it has ended. A line that is there already is given at once. @throws Error when the connection breaks or is silent for too long */
  next(): string | null | Promise<string | null>
  close(): void
}

/** the server says something at least every 10 s; silence beyond this is a dead line */
const SILENT_MS_MAX = 25_000
const LOOK_MS = 5_000
/** taken from the connection and not yet handed out; the server's credit mostly holds it far below */
const LINES_MAX = 1_000

type Waiting = { resolve(line: string | null): void; reject(error: Error): void; sinceMs: number }

export function openLines(response: Readable): Lines {
  let lines: string[] = []
  let taken = 0
  let rest = ''
  let isOver = false
  let problem: Error | undefined
  let waiting: Waiting | undefined
  const watch = setInterval(() => {
    if (waiting !== undefined && performance.now() - waiting.sinceMs > SILENT_MS_MAX)
      response.destroy(new Error(`the feed said nothing for ${SILENT_MS_MAX / 1000} s`))
  }, LOOK_MS)

  function take(): string | undefined {
    if (taken >= lines.length) return undefined
    const line = lines[taken++]
    if (taken < lines.length) return line
    lines = []
    taken = 0
    if (response.isPaused()) response.resume()
    return line
  }
  function over(error?: Error): void {
    if (isOver) return
    isOver = true
    problem = error
    clearInterval(watch)
    if (error === undefined) waiting?.resolve(null)
    else waiting?.reject(error)
    waiting = undefined
  }
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const text = rest + chunk
    let from = 0
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      lines.push(text.slice(from, at))
      from = at + 1
    }
    rest = text.slice(from)
    const line = waiting === undefined ? undefined : take()
    if (line !== undefined) {
      waiting?.resolve(line)
      waiting = undefined
    } else if (waiting !== undefined) waiting.sinceMs = performance.now() // half a line is a sign of life too
    else if (lines.length - taken > LINES_MAX) response.pause()
  })
  response.on('end', () => over())
  response.on('error', over)
  response.on('close', () => over())
  return {
    next() {
      const line = take()
      if (line !== undefined) return line
      if (problem !== undefined) throw problem
      if (isOver) return null
      return new Promise((resolve, reject) => (waiting = { resolve, reject, sinceMs: performance.now() }))
    },
    close() {
      over()
      response.destroy()
    },
  }
}

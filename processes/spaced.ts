// Tells where things stand at most so often: for a receiver that is in no hurry, and that each message would cost more than what it says.

/** What is passed on is the newest value, `everyMs` after the first that had not been told. Never keeps a process alive. */
export function spaced<T>(everyMs: number, tell: (newest: T) => void): (value: T) => void {
  let untold: { value: T } | undefined
  return value => {
    const isFirst = untold === undefined
    untold = { value }
    if (!isFirst) return
    setTimeout(() => {
      const told = untold
      untold = undefined
      if (told !== undefined) tell(told.value)
    }, everyMs).unref()
  }
}

// What time alone changes, looked at a few times a second. Each step stands by itself: a registration that nobody can read must not hold up
// a deadline, nor an end of shelving that cannot be written a ladder. What fails is said in the health line and tried again at the next look.
import type { Log } from '#contracts/clock.ts'

export type TickStep = { /** as in "... could not be followed" */ what: string; work(): void }
export type Ticking = { look(): void; /** null = nothing fails now */ problem(): string | null; close(): void }

export function startTicking({ steps, everyMs, log }: { steps: readonly TickStep[]; everyMs: number; log: Log }): Ticking {
  const problems = new Map<string, string>()

  function take({ what, work }: TickStep): void {
    try {
      work()
      problems.delete(what)
    } catch (error) {
      if (!problems.has(what)) log.error({ err: error }, `${what} could not be followed; it is tried again`)
      problems.set(what, (error as Error).message)
    }
  }

  const look = (): void => steps.forEach(take)
  const timer = setInterval(look, everyMs)
  return {
    look,
    problem: () => (problems.size === 0 ? null : [...problems].map(([what, why]) => `${what} could not be followed: ${why}`).join('; ')),
    close: () => clearInterval(timer),
  }
}

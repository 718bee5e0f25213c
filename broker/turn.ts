// What is done once at the end of a turn of the event loop instead of once for each message: acknowledging, writing, counting.
// A member that asks again while it is being served is served in the next turn.
export type Member = { endOfTurn(): void }

export class Turn {
  readonly #after: () => void
  #due: Member[] = []

  /** `after` runs when all members have. */
  constructor(after: () => void) {
    this.#after = after
  }

  add(member: Member): void {
    if (this.#due.push(member) === 1) setImmediate(this.#run)
  }

  readonly #run = (): void => {
    const due = this.#due
    this.#due = []
    for (const member of due) member.endOfTurn()
    this.#after()
  }
}

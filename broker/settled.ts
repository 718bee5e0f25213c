// A promise that is fulfilled already and says so at once instead of in a microtask. Aedes asks its store on the way of every
// QoS 1 message but not of QoS 0: with real promises the later QoS 0 message overtakes, and Aedes then takes the QoS 1 message,
// whose number is smaller, for a repetition and drops it. Only for what Aedes asks outside of
// its parser, and calls `.then` on; never awaited by us.
class Settled<T> {
  readonly #value: T
  constructor(value: T) {
    this.#value = value
  }
  // oxlint-disable-next-line unicorn/no-thenable -- being one is its purpose
  then<U>(fulfilled: (value: T) => U): Settled<U> {
    return new Settled(fulfilled(this.#value))
  }
}

export const settled = <T>(value: T): Promise<T> => new Settled(value) as unknown as Promise<T>

class Broken {
  readonly #error: Error
  constructor(error: Error) {
    this.#error = error
  }
  // oxlint-disable-next-line unicorn/no-thenable -- being one is its purpose
  then<U>(_: unknown, rejected: (error: Error) => U): Settled<U> {
    return new Settled(rejected(this.#error))
  }
}

export const broken = (error: Error): Promise<never> => new Broken(error) as unknown as Promise<never>

// What a connection has yet to send, oldest first, bounded. At the bound the oldest routine message goes, an urgent one only when
// all are urgent: a device with little memory keeps its alarms and forgets old temperatures.
export type Held = { urgent: boolean }
export type Backlog<T extends Held> = {
  size(): number
  /** the message that had to go, or null */
  add(message: T): T | null
  /** back to the front, in the order given */
  putBack(messages: readonly T[]): void
  shift(): T | undefined
}

export function createBacklog<T extends Held>(limit: number): Backlog<T> {
  let items: T[] = []
  let head = 0
  const compact = () => {
    if (head < 256 || head * 2 < items.length) return
    items = items.slice(head)
    head = 0
  }
  return {
    size: () => items.length - head,
    add(message) {
      items.push(message)
      if (items.length - head <= limit) return null
      const routine = items.findIndex((m, i) => i >= head && !m.urgent)
      return items.splice(routine === -1 ? head : routine, 1)[0] ?? null
    },
    putBack(messages) {
      items = [...messages, ...items.slice(head)]
      head = 0
    },
    shift() {
      if (head >= items.length) return undefined
      const message = items[head++]
      compact()
      return message
    },
  }
}

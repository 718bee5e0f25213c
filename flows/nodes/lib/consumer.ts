// Under which name a node reads the feed: its cursor is kept by it, so that a restart goes on where it was.

const CONSUMER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export const consumerOf = ({ id, consumer }: { id: string; consumer?: unknown }, prefix = ''): string =>
  `${prefix}${(typeof consumer === 'string' ? consumer.trim() : '') || `flow-${id}`}`

export const isConsumer = (name: string): boolean => CONSUMER.test(name)

// The desk's keys. Off while somebody types, with a modifier held, or in a dialog; nothing destructive happens on one key.

export type Command =
  | 'next'
  | 'previous'
  | 'acknowledge'
  | 'dispatch'
  | 'note'
  | 'escalate'
  | 'shelve'
  | 'false-alarm'
  | 'filter'
  | 'live'
  | 'help'
  | 'mute'

const KEYS: Record<string, Command> = {
  j: 'next',
  ArrowDown: 'next',
  k: 'previous',
  ArrowUp: 'previous',
  a: 'acknowledge',
  d: 'dispatch',
  n: 'note',
  e: 'escalate',
  s: 'shelve',
  f: 'false-alarm',
  m: 'mute',
  l: 'live',
  '/': 'filter',
  '?': 'help',
}

export type KeyPress = {
  key: string
  ctrlKey: boolean
  altKey: boolean
  metaKey: boolean
  repeat: boolean
  /** where the key landed */
  typing: boolean
  inDialog: boolean
  inQueue: boolean
}

export const commandOf = (press: KeyPress): Command | null => {
  if (press.ctrlKey || press.altKey || press.metaKey || press.typing || press.inDialog) return null
  const command = KEYS[press.key.length === 1 ? press.key.toLowerCase() : press.key] ?? null
  if (press.key.startsWith('Arrow') && !press.inQueue) return null
  // Holding a key down moves through the list; it never sends a command twice.
  return press.repeat && command !== 'next' && command !== 'previous' ? null : command
}

// What the duty desk has selected, told to a wall on the same computer (a second screen). Nothing leaves the browser.

/** How long a selection leads the wall, and how long each incident has its turn after that. */
export const FOLLOW_MS = 120_000
export const ROTATE_MS = 20_000

const NAME = 'fengsui.selection'

/** Says what is selected; does nothing in a browser without channels. */
export const tellSelection = (): ((id: string | null) => void) => {
  if (typeof BroadcastChannel === 'undefined') return () => {}
  const channel = new BroadcastChannel(NAME)
  return id => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel reaches its own origin and takes no target
    if (id !== null) channel.postMessage(id)
  }
}

export const onSelection = (then: (id: string) => void): (() => void) => {
  if (typeof BroadcastChannel === 'undefined') return () => {}
  const channel = new BroadcastChannel(NAME)
  channel.addEventListener('message', event => {
    if (typeof event.data === 'string') then(event.data)
  })
  return () => channel.close()
}

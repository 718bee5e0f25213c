// A key press as the browser tells it, in the terms of keys.ts.
import type { KeyPress } from './keys.ts'

export const pressOf = (event: KeyboardEvent): KeyPress => {
  const at = event.target instanceof Element ? event.target : null
  return {
    key: event.key,
    ctrlKey: event.ctrlKey,
    altKey: event.altKey,
    metaKey: event.metaKey,
    repeat: event.repeat,
    typing:
      at?.closest('input:not([type="range"], [type="checkbox"], [type="radio"]), textarea, select, [contenteditable]') !== null &&
      at !== null,
    inDialog: document.querySelector('dialog[open]') !== null,
    inQueue: at?.closest('.queue') !== null && at !== null,
  }
}

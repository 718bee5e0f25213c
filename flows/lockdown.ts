// Closes what Node's permission model leaves open to a flow that has got hold of `process`: signals and debugger wake-ups to other
// processes of the same account, and their priority. Files, programs, workers, native code and SQLite are closed by flags (child.ts).
import os from 'node:os'
import { syncBuiltinESMExports } from 'node:module'

const denied = (name: string) => (): never => {
  throw Object.assign(new Error(`${name} is not available to flows`), { code: 'ERR_ACCESS_DENIED' })
}

/** Before anything else runs; cannot be undone from inside. */
export function lockDown(): void {
  for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd', 'execve']) close(process, name)
  close(os, 'setPriority')
  syncBuiltinESMExports()
}

const close = (owner: object, name: string): void =>
  void Object.defineProperty(owner, name, { value: denied(name), writable: false, configurable: false })

// A process under the supervisor for its tests: counts notices, hangs when it is told to.
import { linkToSupervisor } from '../../processes/link.ts'

const link = linkToSupervisor('child', () => process.exit(0))
const seen = { notices: 0, newest: 0 }
link.handle('pid', () => process.pid)
link.handle('seen', () => seen)
link.handle('count', (n: number) => {
  seen.notices += 1
  seen.newest = n
})
link.handle('hang', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
process.on('message', (message: { configure?: unknown; stop?: boolean }) => {
  if (message.configure !== undefined) process.send?.({ ready: message.configure })
  if (message.stop === true) process.exit(0)
})

// A process of the flows ends when it hears that its supervisor is gone. One that hangs or was held still hears nothing, and would keep its port
// for ever: at the next start it is found by the folder it may write, which no other installation has, and ended. Linux only.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `userDir`: of the flows; answers the ids of what was ended. */
export function endLeftOvers(userDir: string): number[] {
  const within = `--allow-fs-write=${join(userDir, '/')}`
  return processes().filter(pid => {
    if (pid === process.pid || !argumentsOf(pid).some(argument => argument.startsWith(within))) return false
    try {
      return process.kill(pid, 'SIGKILL')
    } catch {
      return false // it ended meanwhile, or is somebody else's
    }
  })
}

function processes(): number[] {
  try {
    return readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? [Number(name)] : []))
  } catch {
    return []
  }
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

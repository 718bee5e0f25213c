// What the processes of a running system cost: who they are, and the CPU time they have used. Linux only (/proc).
import { readFile } from 'node:fs/promises'

/** the process and everything it started, itself first */
export async function processTree(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/).filter(Boolean).map(Number)
  return [pid, ...(await Promise.all(children.map(processTree))).flat()]
}

const TICKS_PER_S = 100

/** user + system CPU seconds so far */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

/** the last argument of its command line: which of our processes it is */
export async function roleOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').filter(Boolean).at(-1) ?? ''
}

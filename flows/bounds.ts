// What one process of the flows may take of the machine: CPU time by a budget that is saved up and spent, memory by what it really holds. Works
// without privileges on Linux, from outside (/proc, signals), so that no flow can lift it. Elsewhere only the limits of child.ts hold.
import { readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Meter } from '#contracts/metrics.ts'

export type Bounds = {
  /** what lies outside of the heap (buffers, code, stacks) may take OUTSIDE_HEAP_MB more */
  heapMb: number
  /** of one core, over any longer time; 0.5 = half of it */
  cpuShare: number
  /** CPU time that may be saved up and spent at once: starting and loading flows takes some two seconds */
  burstMs: number
}
export const BOUNDS: Bounds = { heapMb: 256, cpuShare: 1, burstMs: 10_000 }
export type Usage = { cpuMs: number; heldBackMs: number; memoryBytes: number }

const OUTSIDE_HEAP_MB = 256
const LOOK_MS = 100
/** never so long that a probe from outside goes unanswered for it */
const PAUSE_MS_MAX = 250

export type Budget = {
  /** all CPU time so far, at a time; answers how long it must pause now, 0 = not */
  spent(cpuMs: number, nowMs: number): number
}

/** Over any time t the process gets share x t + burst, and what it runs up between two looks. */
export function createBudget({ cpuShare: share, burstMs }: Pick<Bounds, 'cpuShare' | 'burstMs'>): Budget {
  let leftMs = burstMs
  let before: { cpuMs: number; nowMs: number } | undefined
  return {
    spent(cpuMs, nowMs) {
      if (before !== undefined) leftMs = Math.min(burstMs, leftMs + share * (nowMs - before.nowMs) - (cpuMs - before.cpuMs))
      before = { cpuMs, nowMs }
      return leftMs >= 0 ? 0 : Math.min(PAUSE_MS_MAX, Math.ceil(-leftMs / share))
    },
  }
}

const MS_PER_TICK = 10 // the kernel counts in hundredths for user space, whatever its own clock
const KIBIBYTE = 1024

/** null = it is gone, or this is no Linux */
export function usageOf(pid: number): { cpuMs: number; memoryBytes: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
      memoryBytes: Number(resident?.[1] ?? 0) * KIBIBYTE,
    }
  } catch {
    return null
  }
}

/** `tooMuch` is told once, when it holds more memory than it may. */
export function holdIn(o: { pid: number; bounds: Bounds; tooMuch: (why: string) => void }): { usage(): Usage; end(): void } {
  const { pid, bounds } = o
  const budget = createBudget(bounds)
  const memoryMb = bounds.heapMb + OUTSIDE_HEAP_MB
  const usage: Usage = { cpuMs: 0, heldBackMs: 0, memoryBytes: 0 }
  let timer: NodeJS.Timeout | undefined
  firstToGo(pid)

  function look(): void {
    const now = usageOf(pid)
    if (now === null) return
    Object.assign(usage, now)
    if (now.memoryBytes > memoryMb * KIBIBYTE * KIBIBYTE) {
      o.tooMuch(`it held ${Math.round(now.memoryBytes / KIBIBYTE / KIBIBYTE)} MiB of memory, ${memoryMb} are allowed`)
      return
    }
    const pauseMs = budget.spent(now.cpuMs, performance.now())
    if (pauseMs > 0 && signal(pid, constants.signals.SIGSTOP)) {
      const beganMs = performance.now()
      timer = setTimeout(() => {
        signal(pid, constants.signals.SIGCONT)
        usage.heldBackMs += performance.now() - beganMs
        timer = setTimeout(look, LOOK_MS)
      }, pauseMs)
    } else timer = setTimeout(look, LOOK_MS)
  }
  look()
  return {
    usage: () => ({ ...usage }),
    end: () => clearTimeout(timer),
  }
}

function signal(pid: number, which: number): boolean {
  try {
    return process.kill(pid, which)
  } catch {
    return false // it ended meanwhile
  }
}

const MOST_DISPENSABLE = '900'
/** Where memory runs out on the whole machine, the kernel ends a flow before a broker. */
function firstToGo(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, MOST_DISPENSABLE)
  } catch {
    // no Linux, or not allowed: then the kernel chooses
  }
}

/** Counts what one life costs; answers what is to be said of it: that it is held back, while that lasts. */
export function costTeller(meter: Meter, cpuShare: number): (now: Usage) => string {
  let before: Usage = { cpuMs: 0, heldBackMs: 0, memoryBytes: 0 }
  return now => {
    const heldBackMs = now.heldBackMs - before.heldBackMs
    meter.count('fengsui_flows_cpu_seconds_total', {}, (now.cpuMs - before.cpuMs) / 1000)
    meter.count('fengsui_flows_held_back_seconds_total', {}, heldBackMs / 1000)
    meter.gauge('fengsui_flows_memory_bytes', now.memoryBytes)
    before = now
    return heldBackMs > 0 ? `, held back to ${Math.round(cpuShare * 100)} % of a core` : ''
  }
}

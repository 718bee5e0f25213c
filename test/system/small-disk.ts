// A disk of a few megabytes for tests that fill it: a tmpfs, mounted for the time of the test. Needs root, as in the container the tests run in.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEBIBYTE = 1024 * 1024

export type Disk = { dir: string; freeMb(): number; fillTo(freeMb: number): void; free(): void; [Symbol.dispose](): void }

export function smallDisk(sizeMb: number): Disk {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', dir], { encoding: 'utf8' })
  if (mounted.status !== 0)
    throw new Error(
      `this test mounts a tmpfs of its own and may not: ${mounted.stderr ?? ''}${mounted.error?.message ?? ''}; run it as root`,
    )
  const ballast = join(dir, 'ballast')
  const freeMb = (): number => {
    const { bavail, bsize } = statfsSync(dir)
    return (bavail * bsize) / MEBIBYTE
  }
  return {
    dir,
    freeMb,
    fillTo(wantedMb) {
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, Math.floor((freeMb() - wantedMb) * MEBIBYTE))))
      } catch (error) {
        // the system was quicker: the disk is as full as wanted
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    free: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]() {
      spawnSync('umount', ['-l', dir])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

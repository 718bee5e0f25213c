// How much the file system of the data folder has free, looked at once a second and after a failed commit. Below the reserve it says
// so until a tenth more than the reserve is free again, so that it does not flutter. Never stops anything itself.
import { statfs } from 'node:fs/promises'
import type { Log } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import { reasonOf } from './database.ts'

export type ReserveOptions = { dir: string; reserveBytes: number; freeBytes?: (() => Promise<number>) | undefined; log: Log; meter: Meter }

const LOOK_EVERY_MS = 1000

export class DiskReserve {
  readonly #o: ReserveOptions
  readonly #timer: NodeJS.Timeout
  #looking: Promise<void> | undefined
  #free = Infinity
  #problem: string | undefined
  isLow = false

  private constructor(o: ReserveOptions) {
    this.#o = o
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  static async start(o: ReserveOptions): Promise<DiskReserve> {
    const reserve = new DiskReserve(o)
    await reserve.look()
    return reserve
  }

  /** One look at a time: a file system that hangs must not gather them. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  detail(): string {
    return `${mib(this.#free)} MiB free, ${mib(this.#o.reserveBytes)} MiB are kept in reserve`
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { dir, log, meter } = this.#o
    try {
      this.#free = await (this.#o.freeBytes ?? freeBytesOf(dir))()
      this.#problem = undefined
    } catch (error) {
      // what was known last holds on: the disk itself still refuses when it is full
      if (this.#problem === undefined) log.warn({ err: error }, 'the free space of the data folder cannot be told')
      this.#problem = reasonOf(error)
      return
    }
    meter.gauge('fengsui_disk_free_bytes', this.#free)
    this.#judge()
  }

  #judge(): void {
    const { reserveBytes, log } = this.#o
    const wasLow = this.isLow
    this.isLow = this.#free < reserveBytes * (wasLow ? 1.1 : 1)
    const fields = { freeBytes: this.#free, reserveBytes }
    if (this.isLow && !wasLow)
      log.error(fields, 'less is free on the disk than is kept in reserve: bulk telemetry is refused, alarms go on')
    if (!this.isLow && wasLow) log.info(fields, 'the disk has room again: bulk telemetry is taken')
  }
}

const freeBytesOf = (dir: string) => async (): Promise<number> => {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

const mib = (bytes: number): number => Math.floor(bytes / 1024 / 1024)

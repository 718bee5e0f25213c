// A picture of the desk for who connects. The queue is written down first and can go out while the devices, a hundred times as much, have not been looked at; who
// wants everything in one message gets that. Nothing here is sent: live.ts does, and says when a picture is too old.
import type { DeviceRow, LiveMessage, Sight } from '#contracts/live.ts'

/** rows in one part: a page draws between two of them */
const PART_ROWS = 2500

type Head = Omit<Extract<LiveMessage, { type: 'snapshot' }>, 'type' | 'devices' | 'sights' | 'devicesFollow'>
type Devices = { rows: DeviceRow[]; sights: Sight[] }

export type Snapshot = {
  seq: number
  madeMs: number
  /** the devices are written down: as they were then, which is not before `seq` */
  isWhole(): boolean
  /** everything but the devices */
  queue(): Buffer
  /** the devices behind it, the last one says so */
  parts(): Buffer[]
  /** all of it as one message */
  whole(): Buffer
}

export function createSnapshot(head: Head, madeMs: number, readDevices: () => Devices): Snapshot {
  const text = `{"type":"snapshot",${JSON.stringify(head).slice(1, -1)}`
  let devices: Devices | null = null
  let [queue, parts, whole]: [Buffer | null, Buffer[], Buffer | null] = [null, [], null]
  const read = (): Devices => (devices ??= readDevices())
  return {
    seq: head.seq,
    madeMs,
    isWhole: () => devices !== null,
    queue: () => (queue ??= Buffer.from(`${text},"devices":[],"sights":[],"devicesFollow":true}`)),
    parts() {
      const { rows, sights } = read()
      if (parts.length > 0) return parts
      for (let from = 0; from === 0 || from < rows.length; from += PART_ROWS) {
        const last = from + PART_ROWS >= rows.length
        const part = {
          type: 'devices',
          devices: rows.slice(from, from + PART_ROWS),
          sights: last ? sights : [],
          last,
        } satisfies LiveMessage
        parts.push(Buffer.from(JSON.stringify(part)))
      }
      return parts
    },
    whole() {
      const { rows, sights } = read()
      return (whole ??= Buffer.from(`${text},"devices":${JSON.stringify(rows)},"sights":${JSON.stringify(sights)}}`))
    },
  }
}

// The last deltas of the live socket, so that a desk that was away for a moment gets exactly what it missed. Bounded by count
// and bytes; when the oldest is gone, the desk gets a snapshot instead.

const DELTAS_MAX = 2000
const BYTES_MAX = 8 * 1024 * 1024

/** A delta as it went out: JSON, a small frame, or both; `json: null` = nobody wanted it as JSON then. */
export type Held = { json: Uint8Array | null; frame?: Uint8Array }
export type Missed = { bytes: Uint8Array; binary: boolean }

export type Ring = {
  add(seq: number, delta: Held): void
  /** everything after `seq`, in order, for a desk that takes `small` frames or not; null = not held any more */
  after(seq: number, small: boolean): Missed[] | null
}

const sizeOf = ({ json, frame }: Held): number => (json?.length ?? 0) + (frame?.length ?? 0)

export function createRing(o: { countMax?: number; bytesMax?: number } = {}): Ring {
  const { countMax = DELTAS_MAX, bytesMax = BYTES_MAX } = o
  const deltas: { seq: number; held: Held }[] = []
  let size = 0
  let newest = 0
  return {
    add(seq, held) {
      deltas.push({ seq, held })
      size += sizeOf(held)
      newest = seq
      while (deltas.length > countMax || size > bytesMax) {
        const oldest = deltas.shift()
        size -= oldest === undefined ? 0 : sizeOf(oldest.held)
      }
    },
    after(seq, small) {
      if (seq === newest) return []
      const oldest = deltas[0]?.seq
      if (oldest === undefined || seq < oldest - 1 || seq > newest) return null
      const missed: Missed[] = []
      for (const { held } of deltas.slice(seq - oldest + 1)) {
        if (small && held.frame !== undefined) missed.push({ bytes: held.frame, binary: true })
        else if (held.json === null) return null
        else missed.push({ bytes: held.json, binary: false })
      }
      return missed
    },
  }
}

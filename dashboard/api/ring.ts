// The last deltas of the live socket, so that a desk that was away for a moment gets exactly what it missed. Bounded by count
// and bytes; when the oldest is gone, the desk gets a snapshot instead.

const DELTAS_MAX = 2000
const BYTES_MAX = 8 * 1024 * 1024

export type Ring = {
  add(seq: number, bytes: Buffer): void
  /** everything after `seq`, in order; null = not held any more */
  after(seq: number): Buffer[] | null
}

export function createRing(o: { countMax?: number; bytesMax?: number } = {}): Ring {
  const { countMax = DELTAS_MAX, bytesMax = BYTES_MAX } = o
  const deltas: { seq: number; bytes: Buffer }[] = []
  let size = 0
  let newest = 0
  return {
    add(seq, bytes) {
      deltas.push({ seq, bytes })
      size += bytes.length
      newest = seq
      while (deltas.length > countMax || size > bytesMax) size -= deltas.shift()?.bytes.length ?? 0
    },
    after(seq) {
      if (seq === newest) return []
      const oldest = deltas[0]?.seq
      if (oldest === undefined || seq < oldest - 1 || seq > newest) return null
      return deltas.slice(seq - oldest + 1).map(delta => delta.bytes)
    },
  }
}

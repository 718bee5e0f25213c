// Seeded randomness (sfc32): the same seed and label give the same numbers on every machine, so a run can be repeated.
// Never used for secrets; passwords come from whoever issues credentials.

export type Random = {
  /** 0 <= x < 1 */
  unit(): number
  /** lo <= x < hi */
  between(lo: number, hi: number): number
  /** lo <= n <= hi */
  integer(lo: number, hi: number): number
  /** mean 0, standard deviation 1 */
  normal: () => number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** an independent stream: what one device draws never shifts what another draws */
  fork(label: string): Random
}

/** 128 bits of state from any text (FNV-1a with four offsets). */
function stateOf(text: string): [number, number, number, number] {
  const words: [number, number, number, number] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    for (let w = 0; w < 4; w++) words[w] = Math.imul(words[w]! ^ (code + w * 131), 0x01000193) >>> 0
  }
  return words
}

export function createRandom(seed: string | number): Random {
  const name = String(seed)
  let [a, b, c, counter] = stateOf(name)
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return (t >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 12; i++) next()
  const random: Random = {
    unit: next,
    between: (lo, hi) => lo + (hi - lo) * next(),
    integer: (lo, hi) => lo + Math.floor((hi - lo + 1) * next()),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    chance: probability => next() < probability,
    pick: from => from[Math.floor(next() * from.length)]!,
    fork: label => createRandom(`${name}/${label}`),
  }
  return random
}

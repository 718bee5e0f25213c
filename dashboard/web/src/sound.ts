// The desk's voice: level I repeats until answered, level II every 30 s, one tick for a new level III. Tones are made here, no file is
// fetched. A browser keeps a fresh page silent until somebody clicks, so the state is always shown, and it is proved: what is played
// goes through a meter, and only a signal that was measured counts as sound.
import { signal } from '@preact/signals'

export type SoundState = 'locked' | 'on' | 'muted' | 'unavailable'
export type Sound = {
  state: { readonly value: SoundState }
  mutedUntilMs: { readonly value: number }
  /** when a tone was last measured on its way to the loudspeaker; null = never */
  provedAtMs: { readonly value: number | null }
  /** since when somebody who heard the tones has had the shift; null = not started */
  shiftSinceMs: { value: number | null }
  /** must be called from a click */
  unlock(): Promise<void>
  /** the tones of level III, II and I, one after the other; ends with the last */
  demonstrate(): Promise<void>
  mute(nowMs: number): void
  /** the gravest level that waits for an answer; called every second */
  follow(gravest: number | null, nowMs: number): void
  /** the link broke: a tone of its own */
  lost(): void
  /** one came in that does not repeat: level III or IV, or back from the shelf */
  tick(): void
}

export const MUTE_MS = 60_000
const EVERY_MS: Record<number, number> = { 1: 2_000, 2: 30_000 }
type Note = readonly [hz: number, atS: number, lengthS: number]
const TONES = {
  1: [
    [960, 0, 0.22],
    [720, 0.26, 0.22],
    [960, 0.52, 0.22],
    [720, 0.78, 0.22],
  ],
  2: [
    [660, 0, 0.25],
    [660, 0.4, 0.25],
  ],
  3: [[520, 0, 0.12]],
  lost: [
    [440, 0, 0.3],
    [330, 0.35, 0.45],
  ],
} as const satisfies Record<string, readonly Note[]>
const DEMONSTRATED: readonly (readonly [tone: 1 | 2 | 3, lastsMs: number])[] = [
  [3, 700],
  [2, 1_200],
  [1, 1_200],
]
/** A meter reading above this is a tone; silence reads 128 throughout. */
const HEARD_ABOVE = 4

const play = (context: AudioContext, out: AudioNode, notes: readonly Note[]): void => {
  for (const [hz, atS, lengthS] of notes) {
    const oscillator = context.createOscillator()
    const gain = context.createGain()
    const start = context.currentTime + atS
    oscillator.type = 'triangle'
    oscillator.frequency.value = hz
    gain.gain.setValueAtTime(0.0001, start)
    gain.gain.exponentialRampToValueAtTime(0.35, start + 0.02)
    gain.gain.exponentialRampToValueAtTime(0.0001, start + lengthS)
    oscillator.connect(gain).connect(out)
    oscillator.start(start)
    oscillator.stop(start + lengthS + 0.02)
  }
}

export const createSound = (): Sound => {
  const context = typeof AudioContext === 'undefined' ? null : new AudioContext()
  const meter = context?.createAnalyser() ?? null
  if (context !== null) meter?.connect(context.destination)
  const state = signal<SoundState>(context === null ? 'unavailable' : 'locked')
  const mutedUntilMs = signal(0)
  const provedAtMs = signal<number | null>(null)
  let playedAtMs = Number.NEGATIVE_INFINITY
  let playedLevel: number | null = null

  const settle = (nowMs: number): void => {
    if (context === null) return
    state.value = context.state !== 'running' ? 'locked' : nowMs < mutedUntilMs.value ? 'muted' : 'on'
  }
  const prove = (): void => {
    if (meter === null) return
    const samples = new Uint8Array(meter.fftSize)
    meter.getByteTimeDomainData(samples)
    if (samples.some(sample => Math.abs(sample - 128) > HEARD_ABOVE)) provedAtMs.value = Date.now()
  }
  const sound = (tone: keyof typeof TONES): void => {
    if (context === null || meter === null) return
    play(context, meter, TONES[tone])
    setTimeout(prove, 80)
  }
  context?.addEventListener('statechange', () => settle(Date.now()))
  settle(Date.now())

  const unlock = async (): Promise<void> => {
    if (context === null) return
    await context.resume()
    mutedUntilMs.value = 0
    settle(Date.now())
  }
  return {
    state,
    mutedUntilMs,
    provedAtMs,
    shiftSinceMs: signal<number | null>(null),
    unlock,
    async demonstrate() {
      await unlock()
      provedAtMs.value = null
      for (const [tone, lastsMs] of DEMONSTRATED) {
        sound(tone)
        await new Promise(resolve => setTimeout(resolve, lastsMs))
      }
    },
    mute(nowMs) {
      mutedUntilMs.value = nowMs + MUTE_MS
      settle(nowMs)
    },
    follow(gravest, nowMs) {
      settle(nowMs)
      const every = gravest === null ? undefined : EVERY_MS[gravest]
      const graver = gravest !== null && (playedLevel === null || gravest < playedLevel)
      if (every === undefined) {
        playedLevel = null
        return
      }
      if (state.value !== 'on' || (!graver && nowMs - playedAtMs < every)) return
      playedAtMs = nowMs
      playedLevel = gravest
      sound(gravest === 1 ? 1 : 2)
    },
    lost() {
      if (state.value === 'on') sound('lost')
    },
    tick() {
      if (state.value === 'on' && playedLevel === null) sound(3)
    },
  }
}

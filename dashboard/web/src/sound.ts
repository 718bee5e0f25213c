// The desk's voice: level I repeats until answered, level II every 30 s. Tones are made here, no file is fetched. A browser
// keeps a fresh page silent until somebody clicks, so the state is always shown and the button is the way out.
import { signal } from '@preact/signals'

export type SoundState = 'locked' | 'on' | 'muted' | 'unavailable'
export type Sound = {
  state: { readonly value: SoundState }
  mutedUntilMs: { readonly value: number }
  unlock(): Promise<void>
  mute(nowMs: number): void
  /** the gravest level that waits for an answer; called every second */
  follow(gravest: number | null, nowMs: number): void
  /** the link broke: a tone of its own */
  lost(): void
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
  lost: [
    [440, 0, 0.3],
    [330, 0.35, 0.45],
  ],
  ready: [[880, 0, 0.15]],
} as const satisfies Record<string, readonly Note[]>

const play = (context: AudioContext, notes: readonly Note[]): void => {
  for (const [hz, atS, lengthS] of notes) {
    const oscillator = context.createOscillator()
    const gain = context.createGain()
    const start = context.currentTime + atS
    oscillator.type = 'triangle'
    oscillator.frequency.value = hz
    gain.gain.setValueAtTime(0.0001, start)
    gain.gain.exponentialRampToValueAtTime(0.35, start + 0.02)
    gain.gain.exponentialRampToValueAtTime(0.0001, start + lengthS)
    oscillator.connect(gain).connect(context.destination)
    oscillator.start(start)
    oscillator.stop(start + lengthS + 0.02)
  }
}

export const createSound = (): Sound => {
  const context = typeof AudioContext === 'undefined' ? null : new AudioContext()
  const state = signal<SoundState>(context === null ? 'unavailable' : 'locked')
  const mutedUntilMs = signal(0)
  let playedAtMs = Number.NEGATIVE_INFINITY
  let playedLevel: number | null = null

  const settle = (nowMs: number): void => {
    if (context === null) return
    state.value = context.state !== 'running' ? 'locked' : nowMs < mutedUntilMs.value ? 'muted' : 'on'
  }
  context?.addEventListener('statechange', () => settle(Date.now()))
  settle(Date.now())

  return {
    state,
    mutedUntilMs,
    async unlock() {
      if (context === null) return
      await context.resume()
      mutedUntilMs.value = 0
      settle(Date.now())
      play(context, TONES.ready)
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
      if (state.value !== 'on' || context === null || (!graver && nowMs - playedAtMs < every)) return
      playedAtMs = nowMs
      playedLevel = gravest
      play(context, gravest === 1 ? TONES[1] : TONES[2])
    },
    lost() {
      if (context !== null && state.value === 'on') play(context, TONES.lost)
    },
  }
}

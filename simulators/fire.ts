// A fire in one room of a building, second by second: heat release, ceiling temperature, smoke and carbon monoxide in the room,
// the corridor and the stair. A teaching model: orders of magnitude and orders in time are right, single values are not.
// Sources: t-squared growth with NFPA 72 annex B's medium coefficient; Alpert's ceiling jet (SFPE Handbook, ch. 14); optical
// density from a specific extinction of 8.7 m2/g (Mulholland and Croarkin 2000); m in dB/m = 10 D (EN 54-7).

export type Air = { obscurationDbPerM: number; coPpm: number; riseC: number }
export type Fire = {
  heatKw(tS: number): number
  /** what a detector at `metres` of smoke path breathes; 0 = the room of origin, storeys above it have a longer path */
  air(metres: number, tS: number): Air
}
export type FireOptions = {
  /** the room's door stands open from here on: the occupant has fled */
  doorOpenS: number
  /** water on the fire */
  suppressedS: number
  lengthS: number
}

const SMOULDER_S = 60
const GROWTH_KW_PER_S2 = 0.01172
const HEAT_MAX_KW = 1500
const DECAY_S = 60
const CEILING_M = 2.6
const ROOM_M3 = 38
const CORRIDOR_M3 = 90
const EXTINCTION_M2_PER_G = 8.7
const JET_MPS = 0.35
const COOLING_S = 45

/** kW: a smouldering minute, then alpha t^2 to the ventilation limit, then decay under water. */
export function heatReleaseKw(tS: number, suppressedS: number): number {
  if (tS <= 0) return 0
  const grown = (s: number) =>
    s < SMOULDER_S ? 1 + (2 * s) / SMOULDER_S : Math.min(HEAT_MAX_KW, 3 + GROWTH_KW_PER_S2 * (s - SMOULDER_S) ** 2)
  return tS <= suppressedS ? grown(tS) : grown(suppressedS) * Math.exp(-(tS - suppressedS) / DECAY_S)
}

/** g/s of soot and of CO: smouldering renovation waste is dirtier per gram than flaming wood and plastics. */
function yieldsGPerS(heatKw: number, tS: number): { soot: number; co: number } {
  const smouldering = tS < SMOULDER_S
  const burntGPerS = heatKw / (smouldering ? 12 : 18)
  return smouldering ? { soot: 0.11 * burntGPerS, co: 0.14 * burntGPerS } : { soot: 0.05 * burntGPerS, co: 0.03 * burntGPerS }
}

/** K above ambient under the ceiling, 1.5 m off the axis. */
const ceilingJetK = (heatKw: number) => (5.38 * (heatKw / 1.5) ** (2 / 3)) / CEILING_M

type Layer = { soot: Float64Array; co: Float64Array; riseC: Float64Array }
const layer = (seconds: number): Layer => ({
  soot: new Float64Array(seconds),
  co: new Float64Array(seconds),
  riseC: new Float64Array(seconds),
})

/** Well-mixed room and corridor, one-second steps; what leaves the room enters the corridor. */
export function growFire(o: FireOptions): Fire {
  const room = layer(o.lengthS)
  const corridor = layer(o.lengthS)
  for (let s = 1; s < o.lengthS; s++) {
    const heatKw = heatReleaseKw(s, o.suppressedS)
    const made = yieldsGPerS(heatKw, s)
    const outM3PerS = s < o.doorOpenS ? 0.004 : 0.13 + 0.3 * Math.cbrt(heatKw / 200)
    const ventM3PerS = 0.02 + (s > o.suppressedS ? 0.25 : 0)
    for (const what of ['soot', 'co'] as const) {
      const inside = room[what][s - 1]!
      const outside = corridor[what][s - 1]!
      room[what][s] = Math.max(0, inside + (made[what] - inside * Math.min(ROOM_M3, outM3PerS + ventM3PerS)) / ROOM_M3)
      corridor[what][s] = Math.max(0, outside + (inside * outM3PerS - outside * (0.08 + ventM3PerS)) / CORRIDOR_M3)
    }
    const target = Math.min(750, ceilingJetK(heatKw) * (1 + Math.min(1, s / 400)))
    room.riseC[s] = room.riseC[s - 1]! + (target - room.riseC[s - 1]!) / 8
    corridor.riseC[s] = corridor.riseC[s - 1]! + ((s < o.doorOpenS ? 0 : room.riseC[s]! * 0.22) - corridor.riseC[s - 1]!) / COOLING_S
  }
  return {
    heatKw: tS => heatReleaseKw(tS, o.suppressedS),
    air: (metres, tS) => (metres <= 0 ? airOf(room, tS, 1) : beyond(corridor, metres, tS)),
  }
}

function airOf(from: Layer, tS: number, share: number): Air {
  const s = Math.min(Math.floor(tS), from.soot.length - 1)
  if (s < 0) return { obscurationDbPerM: 0, coPpm: 0, riseC: 0 }
  const opticalDensityPerM = (EXTINCTION_M2_PER_G * from.soot[s]! * share) / Math.LN10
  return { obscurationDbPerM: 10 * opticalDensityPerM, coPpm: (from.co[s]! * share * 1000) / 1.15, riseC: from.riseC[s]! * share }
}

/** Later and thinner with the path: a ceiling jet's delay, then dilution; closed doors let a part through. */
const beyond = (corridor: Layer, metres: number, tS: number): Air => airOf(corridor, tS - metres / JET_MPS, Math.exp(-metres / 14))

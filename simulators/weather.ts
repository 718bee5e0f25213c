// The ordinary air of a day: temperatures that follow the sun, and small honest noise. Local time of the story, hours.

/** A mild autumn day: warmest at 15:00, coldest at 03:00. */
export const outdoorC = (hour: number): number => 14 + 5.5 * Math.cos(((hour - 15) / 24) * 2 * Math.PI)

/** A heated flat follows the day weakly and two hours late. */
export const indoorC = (hour: number): number => 21.5 + 0.22 * (outdoorC(hour - 2) - 14)

/** Relative humidity falls where the same air is warmer. */
export const humidityPct = (temperatureC: number): number => Math.max(15, Math.min(95, 52 - 1.6 * (temperatureC - 21)))

/** Mean-reverting noise (Ornstein-Uhlenbeck) with unit variance after a while; steps of any length. */
export function createDrift(normal: () => number, tauS: number): (atS: number) => number {
  let value = normal()
  let lastS = 0
  return atS => {
    const keep = Math.exp(-Math.max(0, atS - lastS) / tauS)
    value = value * keep + Math.sqrt(1 - keep * keep) * normal()
    lastS = atS
    return value
  }
}

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))

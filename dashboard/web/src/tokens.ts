// The colours of the desk, once: the style sheet, the map and the contrast test all read this table.
// Grey is normal; colour is kept for what is abnormal (high-performance HMI). Levels I..IV red, orange, yellow, blue.

export type Theme = 'dark' | 'light'

const dark = {
  ground: '#14181d',
  panel: '#1b2027',
  raised: '#242b34',
  selected: '#26323f',
  line: '#323b46',
  edge: '#6b7887',
  text: '#e8edf2',
  muted: '#a9b4c0',
  link: '#7cc0ff',
  focus: '#7cc0ff',
  accent: '#1f5fa6',
  onAccent: '#ffffff',
  danger: '#a32330',
  onDanger: '#ffffff',
  level1: '#ff6b6b',
  level2: '#ffa63d',
  level3: '#ffd84d',
  level4: '#6cb4ff',
  onLevel: '#14181d',
  good: '#5fd08a',
  amberGround: '#5a3a00',
  onAmber: '#ffe2b0',
  redGround: '#7d1220',
  onRed: '#ffffff',
  mapGround: '#14181d',
  mapArea: '#1a212a',
  mapAreaLine: '#56626f',
  mapWater: '#172938',
  mapRoad: '#262e37',
  mapRoadMajor: '#343e49',
  mapBuilding: '#252d36',
  mapLabel: '#a9b4c0',
  mapHalo: '#14181d',
  deviceNormal: '#8794a3',
  deviceSilent: '#b3bfcc',
  station: '#5fd0c0',
}

export type Token = keyof typeof dark

const light: Record<Token, string> = {
  ground: '#eef1f4',
  panel: '#ffffff',
  raised: '#f0f3f6',
  selected: '#dfeaf6',
  line: '#cfd6de',
  edge: '#76818d',
  text: '#171c22',
  muted: '#4d5864',
  link: '#0b57a4',
  focus: '#0b57a4',
  accent: '#0b57a4',
  onAccent: '#ffffff',
  danger: '#a8071a',
  onDanger: '#ffffff',
  level1: '#b3091c',
  level2: '#8f4500',
  level3: '#6b5500',
  level4: '#0b57a4',
  onLevel: '#ffffff',
  good: '#11693a',
  amberGround: '#ffe2ad',
  onAmber: '#4a2c00',
  redGround: '#a8071a',
  onRed: '#ffffff',
  mapGround: '#e6eaee',
  mapArea: '#f4f6f8',
  mapAreaLine: '#a4afba',
  mapWater: '#cfe0ee',
  mapRoad: '#d9dfe5',
  mapRoadMajor: '#bcc6d0',
  mapBuilding: '#d5dbe2',
  mapLabel: '#3d4854',
  mapHalo: '#f4f6f8',
  deviceNormal: '#73808d',
  deviceSilent: '#4d5864',
  station: '#00695c',
}

export const THEMES: Record<Theme, Record<Token, string>> = { dark, light }

/** Text on ground, and the ratio WCAG 2.2 asks of it: 4.5 for text, 3 for shapes (1.4.3, 1.4.11). */
export const PAIRS: readonly (readonly [Token, Token, number])[] = [
  ['text', 'ground', 4.5],
  ['text', 'panel', 4.5],
  ['text', 'raised', 4.5],
  ['text', 'selected', 4.5],
  ['muted', 'ground', 4.5],
  ['muted', 'panel', 4.5],
  ['muted', 'raised', 4.5],
  ['muted', 'selected', 4.5],
  ['link', 'panel', 4.5],
  ['link', 'raised', 4.5],
  ['onAccent', 'accent', 4.5],
  ['onDanger', 'danger', 4.5],
  ['onAmber', 'amberGround', 4.5],
  ['onRed', 'redGround', 4.5],
  ['good', 'panel', 4.5],
  ['mapLabel', 'mapArea', 4.5],
  ['mapLabel', 'mapGround', 4.5],
  ...(['level1', 'level2', 'level3', 'level4'] as const).flatMap(level => [
    [level, 'panel', 4.5] as const,
    [level, 'selected', 4.5] as const,
    ['onLevel', level, 4.5] as const,
    [level, 'mapArea', 3] as const,
  ]),
  ['edge', 'panel', 3],
  ['edge', 'raised', 3],
  ['focus', 'panel', 3],
  ['focus', 'ground', 3],
  ['focus', 'selected', 3],
  ['deviceSilent', 'mapArea', 3],
  ['deviceNormal', 'mapArea', 3],
  ['station', 'mapArea', 3],
]

const linear = (channel: number): number => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4)

/** '#rrggbb' -> [r, g, b], 0..255. */
export const rgbOf = (hex: string): [number, number, number] =>
  [1, 3, 5].map(i => Number.parseInt(hex.slice(i, i + 2), 16)) as [number, number, number]

const luminance = (hex: string): number => {
  const [r, g, b] = rgbOf(hex)
  return 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255)
}

/** Contrast ratio as WCAG 2.2 defines it, 1..21. */
export const contrast = (a: string, b: string): number => {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

/** The style sheet's `--name` for every token of a theme. */
export const cssOf = (theme: Theme): [name: string, value: string][] =>
  Object.entries(THEMES[theme]).map(([name, value]) => [`--${name.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}`, value])

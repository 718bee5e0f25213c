// One metric of one device over a chosen span (uPlot, own chunk). The axis spans what was asked, so that a time in which nothing was
// heard is seen to be empty; the line breaks there.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { amount, localTime, zoneName } from '../format.ts'
import { THEMES, type Theme } from '../tokens.ts'

const HEIGHT_PX = 280
const DAY_S = 86_400

/** Time of day, with the date where the span is longer than a day. */
const tick = (s: number, isLong: boolean): string => localTime(s * 1000).slice(isLong ? 5 : 11, 16)

/** A line that never moves still has room above and below. */
const withMargin = (low: number, high: number): [number, number] => {
  const margin = (high - low || Math.abs(high) || 1) * 0.1
  return [low - margin, high + margin]
}

export const drawHistory = (
  host: HTMLElement,
  o: { data: [number[], (number | null)[]]; fromMs: number; toMs: number; theme: Theme; onPoint: (i: number | null) => void },
) => {
  const colours = THEMES[o.theme]
  const isLong = (o.toMs - o.fromMs) / 1000 > DAY_S
  const axis = {
    stroke: colours.muted,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  const width = (): number => Math.max(240, host.clientWidth)
  const plot = new uPlot(
    {
      width: width(),
      height: HEIGHT_PX,
      // whole hours and days are those of the district
      tzDate: s => uPlot.tzDate(new Date(s * 1000), zoneName()),
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { time: true, range: [o.fromMs / 1000, o.toMs / 1000] }, y: { range: (_plot, low, high) => withMargin(low, high) } },
      axes: [
        { ...axis, size: 26, space: isLong ? 110 : 60, values: (_plot, ticks) => ticks.map(s => tick(s, isLong)) },
        { ...axis, size: 60, values: (_plot, ticks) => ticks.map(amount) },
      ],
      series: [{}, { stroke: colours.link, width: 1.5, spanGaps: false, points: { show: o.data[0].length < 60, size: 5 } }],
      hooks: { setCursor: [shown => o.onPoint(shown.cursor.idx ?? null)] },
    },
    o.data,
    host,
  )
  const resize = new ResizeObserver(() => plot.setSize({ width: width(), height: HEIGHT_PX }))
  resize.observe(host)
  return () => {
    resize.disconnect()
    plot.destroy()
  }
}

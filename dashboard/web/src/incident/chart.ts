// The small chart itself (uPlot, own chunk): one line, and the threshold as a dashed one that is always in view.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { amount, clockTime, zoneName } from '../format.ts'
import { THEMES, type Theme } from '../tokens.ts'
import type { History } from './history.ts'

const HEIGHT_PX = 116

const withThreshold = (low: number, high: number, threshold: number | undefined): [number, number] => {
  const bottom = Math.min(low, threshold ?? low)
  const top = Math.max(high, threshold ?? high)
  const margin = (top - bottom || Math.abs(top) || 1) * 0.12
  return [bottom - margin, top + margin]
}

const dashedAt = (threshold: number, colour: string) => (plot: uPlot) => {
  const y = plot.valToPos(threshold, 'y', true)
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = colour
  ctx.setLineDash([6, 5])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.restore()
}

export const drawChart = (host: HTMLElement, o: { history: History; threshold: number | undefined; theme: Theme }) => {
  const colours = THEMES[o.theme]
  const axis = {
    stroke: colours.muted,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  const plot = new uPlot(
    {
      width: Math.max(200, host.clientWidth),
      height: HEIGHT_PX,
      // whole hours are those of the district
      tzDate: s => uPlot.tzDate(new Date(s * 1000), zoneName()),
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { show: false },
      scales: {
        x: { time: true, range: [o.history.fromMs / 1000, o.history.toMs / 1000] },
        y: { range: (_plot, low, high) => withThreshold(low, high, o.threshold) },
      },
      axes: [
        { ...axis, size: 22, values: (_plot, ticks) => ticks.map(s => clockTime(s * 1000).slice(0, 5)) },
        { ...axis, size: 46, values: (_plot, ticks) => ticks.map(amount), space: 28 },
      ],
      series: [{}, { stroke: colours.level1, width: 1.5, points: { show: o.history.series.points.length < 30, size: 4 } }],
      hooks: o.threshold === undefined ? {} : { draw: [dashedAt(o.threshold, colours.text)] },
    },
    [o.history.series.points.map(([tsMs]) => tsMs / 1000), o.history.series.points.map(([, value]) => value)],
    host,
  )
  const resize = new ResizeObserver(() => plot.setSize({ width: Math.max(200, host.clientWidth), height: HEIGHT_PX }))
  resize.observe(host)
  return () => {
    resize.disconnect()
    plot.destroy()
  }
}

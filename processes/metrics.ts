// The Meter that rooms count through, on prom-client. Each process has its own registry; core adds them up for /metrics.
import { createRequire } from 'node:module'
import type { Counter, Gauge, Histogram, MetricObjectWithValues, MetricValue } from 'prom-client'
import { METRICS, type Meter, type MetricName } from '#contracts/metrics.ts'

// its front door loads a tracing library, which nobody here uses, into every process at every start
const require = createRequire(import.meta.url)
type Client = typeof import('prom-client')
const RegistryMade = require('prom-client/lib/registry.js') as Client['Registry']
const CounterMade = require('prom-client/lib/counter.js') as Client['Counter']
const GaugeMade = require('prom-client/lib/gauge.js') as Client['Gauge']
const HistogramMade = require('prom-client/lib/histogram.js') as Client['Histogram']

export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[]

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const MESSAGES = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000]

/** @returns the meter and a snapshot that survives being sent to another process */
export function createMeter(): { meter: Meter; snapshot(): Promise<MetricsSnapshot> } {
  const registry = new RegistryMade()
  const made = new Map<string, Counter | Gauge | Histogram>()
  const of = (name: MetricName) => {
    const known = made.get(name)
    if (known) return known
    const { type, help, labels } = METRICS[name]
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    const buckets = name.endsWith('_seconds') ? SECONDS : MESSAGES
    const metric =
      type === 'counter' ? new CounterMade(options) : type === 'gauge' ? new GaugeMade(options) : new HistogramMade({ ...options, buckets })
    made.set(name, metric)
    return metric
  }
  return {
    meter: {
      count: (name, labels = {}, by = 1) => (of(name) as Counter).inc(labels, by),
      gauge: (name, value, labels = {}) => (of(name) as Gauge).set(labels, value),
      observe: (name, value, labels = {}) => (of(name) as Histogram).observe(labels, value),
    },
    snapshot: () => registry.getMetricsAsJSON(),
  }
}

/** Prometheus text of several processes' snapshots added up. */
export function mergedText(snapshots: MetricsSnapshot[]): Promise<string> {
  const AggregatorRegistry = require('prom-client/lib/cluster.js') as Client['AggregatorRegistry']
  return AggregatorRegistry.aggregate(snapshots).metrics()
}

/** Asked when it is read, not when a consumer last got on: one that stands still must be seen to fall behind. */
export function gaugeLag(meter: Meter, consumer: string, { position, head }: { position: number; head: number }): void {
  meter.gauge('fengsui_journal_lag', Math.max(0, head - position), { consumer })
}

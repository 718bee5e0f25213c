// The composition root. With parts/, bin/, test/ and bench/ the only place that knows two rooms. Straight-line wiring, in the order
// of the flow; each teardown stands beside its start and runs in reverse. Rooms are imported where they are wired, so that a process
// loads only its own. Three parts (parts/), each a process of its own under main.ts:
// edge acknowledges, store keeps readings, core raises alarms and shows them. `createApp` runs all three in one process.
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { createCore } from './parts/core.ts'
import { createEdge } from './parts/edge.ts'
import type { Core, Edge, EdgePort, Parts, Store } from './parts/ports.ts'
import { createStore } from './parts/store.ts'
import type { Settings } from './settings.ts'

export * from './parts/ports.ts'
export { createCore, createEdge, createStore }

/** Loads the rooms of a process while it waits to be set to work. */
export async function preload(name: string): Promise<void> {
  const own: Promise<unknown>[] = [import('./processes/metrics.ts'), import('./journal/index.ts'), import('./ingest/quarantine.ts')]
  own.push(import('./ingest/catalogue.ts').then(({ loadDecoders }) => loadDecoders()))
  if (name === 'edge') own.push(import('./broker/index.ts'), import('./ingest/refusals.ts'))
  if (name === 'store') own.push(import('./ingest/index.ts'))
  if (name === 'core') own.push(import('./dashboard/api/index.ts'), import('./dispatch/index.ts'), import('./rules/index.ts'))
  await Promise.all(own)
}
/**
 * All rooms in one process, for tests and small sites without a supervisor; Node-RED is not started.
 * Ports of 0 take free ones. @throws FengsuiError port-in-use, data-dir-unwritable, rules-invalid
 */
export async function createApp(
  settings: Settings,
  parts: Partial<Parts> = {},
): Promise<{ edge: Edge; store: Store; core: Core; close(): Promise<void> }> {
  await using stack = new AsyncDisposableStack()
  const all: Parts = { clock: parts.clock ?? systemClock, log: parts.log ?? noLog }
  const edgePort = lateEdge()
  const store = stack.adopt(await createStore(settings, all), s => s.close())
  const others = { edge: edgePort.port, store, flowsSecret: '', supervisor: { health: async () => [], metrics: async () => [] } }
  const core = stack.adopt(await createCore({ ...settings, flowsPort: 0 }, all, others), c => c.close())
  // the door opens last and closes first
  const edge = stack.adopt(
    await createEdge(settings, all, head => {
      core.wake(head)
      store.wake(head)
    }),
    e => e.close(),
  )
  edgePort.fit(edge)
  const running = stack.move()
  return { edge, store, core, close: () => running.disposeAsync() }
}

/** The edge starts last, but core is wired to it before: until then its methods say so. */
function lateEdge(): { port: EdgePort; fit(edge: Edge): void } {
  let real: EdgePort | null = null
  const edge = () => {
    if (!real) throw new FengsuiError('room-unavailable', 'the broker has not opened yet')
    return real
  }
  const port: EdgePort = {
    append: async message => edge().append(message),
    publish: async (topic, payload) => edge().publish(topic, payload),
    withdraw: async (topic, payload) => edge().withdraw(topic, payload),
    disconnect: async username => edge().disconnect(username),
    health: async () => edge().health(),
    metrics: async () => edge().metrics(),
  }
  return { port, fit: e => void (real = e) }
}

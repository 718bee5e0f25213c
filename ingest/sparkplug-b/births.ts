// What births have taught: which alias is which metric, which devices a node carries, which session lives and what seq comes next.
// Aliases mean nothing without the birth of the same session: an older one is never used.
import type { DecoderMemory, Json } from '../decoder.ts'
import { list, num, record, str } from '../compose.ts'
import type { Metric, Payload } from './payload.ts'

export type Session = { birth: number; bdSeq?: number; seq?: number }
export type Learned = { name: string; datatype?: number; unit?: string }
const DEVICES_MAX = 64

const nameKey = (edge: string, device: string | undefined, name: string): string => `name/${edge}/${device ?? ''}/${name.slice(0, 256)}`
const nodeKey = (edge: string): string => `node/${edge}`

export function sessionOf(edge: string, memory: DecoderMemory): Session | undefined {
  const known = memory.get(nodeKey(edge))
  if (known === undefined) return undefined
  const bdSeq = num(known, 'bdSeq')
  const seq = num(known, 'seq')
  return { birth: num(known, 'birth') ?? 0, ...(bdSeq !== undefined && { bdSeq }), ...(seq !== undefined && { seq }) }
}

export const keepSession = (edge: string, session: Session, memory: DecoderMemory): void => memory.set(nodeKey(edge), session as Json)

export const bdSeqOf = (payload: Payload): number | undefined => {
  const value = payload.metrics.find(metric => metric.name === 'bdSeq')?.value
  return typeof value === 'number' ? value : undefined
}

/** The will was written when its session began: one of an older session is not this one's death. */
export function isOlderDeath(payload: Payload, session: Session | undefined): boolean {
  const bdSeq = bdSeqOf(payload)
  return session?.bdSeq !== undefined && bdSeq !== undefined && session.bdSeq !== bdSeq
}

/** seq runs 0..255 over all messages of a node. true = a message is missing. */
export function isJump(session: Session | undefined, seq: number | undefined): boolean {
  return session?.seq !== undefined && seq !== undefined && seq !== (session.seq + 1) % 256
}

export function learnMetrics(
  edge: string,
  device: string | undefined,
  birth: number,
  metrics: readonly Metric[],
  memory: DecoderMemory,
): void {
  for (const metric of metrics) {
    const { name, alias, datatype, properties } = metric
    if (name === undefined) continue
    const unit = unitIn(properties)
    const learned = [birth, name.slice(0, 256), datatype ?? null, unit ?? null]
    if (alias !== undefined) memory.set(`alias/${edge}/${alias}`, learned)
    // data may name the metric and leave type and unit to the birth: kept where they say something
    if (unit !== undefined || (datatype !== undefined && TELLING.has(datatype))) memory.set(nameKey(edge, device, name), learned)
  }
}

/** Numbers below nothing, and times */
const TELLING: ReadonlySet<number> = new Set([1, 2, 3, 4, 13])

export function resolve(
  edge: string,
  device: string | undefined,
  session: Session | undefined,
  metric: Metric,
  memory: DecoderMemory,
): Learned | undefined {
  const { name, alias, datatype } = metric
  const entry = list(memory.get(alias === undefined || name !== undefined ? nameKey(edge, device, name ?? '') : `alias/${edge}/${alias}`))
  const isOfSession = entry[0] === session?.birth
  const unit = unitIn(metric.properties) ?? (isOfSession ? str(entry[3]) : undefined)
  const known = name ?? (isOfSession ? str(entry[1]) : undefined)
  const type = datatype ?? (isOfSession && typeof entry[2] === 'number' ? entry[2] : undefined)
  return known === undefined
    ? undefined
    : { name: known, ...(type !== undefined && { datatype: type }), ...(unit !== undefined && { unit }) }
}

function unitIn(properties: Metric['properties']): string | undefined {
  const key = Object.keys(properties).find(name => /^(?:eng_?unit|engineering ?units?|units?)$/i.test(name))
  return key === undefined ? undefined : str(properties[key])?.slice(0, 16)
}

export const devicesOf = (edge: string, memory: DecoderMemory): string[] =>
  list(record(memory.get(`devices/${edge}`))['names']).filter(name => typeof name === 'string')

export function learnDevice(edge: string, device: string, memory: DecoderMemory): void {
  const names = devicesOf(edge, memory)
  if (!names.includes(device) && device.length <= 48) memory.set(`devices/${edge}`, { names: [...names, device].slice(-DEVICES_MAX) })
}

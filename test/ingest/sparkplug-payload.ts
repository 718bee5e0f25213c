// Writes Sparkplug payloads as an edge node does: sparkplug_b.proto, as much of it as tests ask for.
import { NOW_MS } from './decoding.ts'

function varint(value: bigint | number): number[] {
  const out: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
  return [...out, Number(rest)]
}
export const number = (field: number, value: bigint | number): number[] => [...varint(field << 3), ...varint(value)]
export const bytes = (field: number, value: Iterable<number>): number[] => {
  const all = [...value]
  return [...varint((field << 3) | 2), ...varint(all.length), ...all]
}
export const words = (field: number, value: string): number[] => bytes(field, Buffer.from(value))
export type Given = {
  name?: string
  alias?: number
  type?: number
  historical?: boolean
  isNull?: boolean
  value?: number[]
  unit?: string
  at?: number
}
export const metric = ({ name, alias, type, historical, isNull, value, unit, at }: Given): number[] =>
  bytes(2, [
    ...(name === undefined ? [] : words(1, name)),
    ...(alias === undefined ? [] : number(2, alias)),
    ...(at === undefined ? [] : number(3, at)),
    ...(type === undefined ? [] : number(4, type)),
    ...(historical === true ? number(5, 1) : []),
    ...(isNull === true ? number(7, 1) : []),
    ...(unit === undefined ? [] : bytes(9, [...words(1, 'engUnit'), ...bytes(2, [...number(1, 12), ...words(8, unit)])])),
    ...(value ?? []),
  ])
export const payload = (seq: number | undefined, ...metrics: Given[]): Uint8Array =>
  Uint8Array.from([...number(1, NOW_MS - 500), ...metrics.flatMap(metric), ...(seq === undefined ? [] : number(3, seq))])
export const int = (value: number): number[] => number(10, BigInt.asUintN(32, BigInt(value)))
export const long = (value: number): number[] => number(11, value)
export const yes = number(14, 1)

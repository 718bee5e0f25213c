// What fire-rule needs of the rules engine, as narrow types. The engine itself is handed in where the rooms meet (parts/rule-engine.ts),
// so that a flow judges by the very code that the alarm path judges by.
import type { AlarmSignal } from '../../../contracts/alarm.ts'
import type { Reading } from '../../../contracts/reading.ts'

export type EngineRule = { id: string; version: number; kind: string; scope: object }
export type EngineSet = { name: string; version: string; rules: readonly EngineRule[] }
export type EngineFold = {
  apply(reading: Reading, seq: number): AlarmSignal[]
  advance(toMs: number, o?: { seq?: number; isClock?: boolean }): AlarmSignal[]
  dirty(): [key: string, json: string | null][]
  disabled(): readonly { rule: string; reason: string }[]
}
export type Engine = {
  /** @throws an error that names line, path and what is allowed */
  parse(name: string, text: string): EngineSet
  createFold(o: { ruleSet: EngineSet; rows?: Iterable<[string, string]> }): EngineFold
  /** JSON Schema of a rule file, with the parameters of every kind */
  schema(): object
}

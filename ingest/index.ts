// The ingest room: decoders, the device directory, quarantine and reading stores. It never decides what an alarm is.
export { createCatalogue, loadDecoders, type Catalogue } from './catalogue.ts'
export { createDirectory, DEVICES_MAX, type Directory } from './directory.ts'
export type { Decoder, DecodeInput, DecoderMemory } from './decoder.ts'
export { openQuarantine, type DoorNote, type Quarantine } from './quarantine.ts'
export { createRefusals, type Refusals, type Refused } from './refusals.ts'
export { openStore, type StoreTarget } from './stores/index.ts'
export type { ReadingStore, Series, StoreEntry, StoreQuery, StoreRefusal } from './stores/store.ts'
export { startStoreWriter, type StoreWriter } from './writer.ts'

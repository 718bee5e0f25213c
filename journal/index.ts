// The journal room: what the broker admitted, on disk before anybody is told so, in one contiguous order for every reader.
// It never knows what a reading is, and it is the only thing that broker, rules and store share.
export type {
  Appended,
  Cursors,
  Engine,
  Extent,
  Journal,
  JournalOptions,
  JournalReader,
  Lane,
  Origin,
  Own,
  ReaderOptions,
  Verdict,
  Waiter,
} from './engine.ts'
export { openJournal } from './journal.ts'
export { openReader } from './reader.ts'
export { readPast } from './past.ts'
export { openCursors } from './cursors.ts'
export { followPosition } from './follow.ts'
export { segmentFiles, type SegmentFile } from './copy.ts'
export { SEGMENTS_DIR } from './segments.ts'
export { verifyJournal } from './verify.ts'

// The journal room: what the broker admitted, on disk before anybody is told so, in one contiguous order for every reader.
// It never knows what a reading is, and it is the only thing that broker, rules and store share.
export { openJournal, type Appended, type Journal, type JournalOptions, type Lane, type Origin, type Waiter } from './journal.ts'
export { openReader, type Extent, type JournalReader } from './reader.ts'
export { readPast } from './past.ts'
export { openCursors, type Cursors } from './cursors.ts'
export { verifyJournal, type Verdict } from './verify.ts'

// What one message or one batch needs dies within milliseconds, but not before V8's usual young space is full: with more room it is
// collected while it is young, where what is dead costs nothing. It is taken only under load, and can only be set when a process starts.

/** For `execArgv`. bin/bootstrap.mjs, which runs before TypeScript can, has the same words. */
export const YOUNG_FLAGS = ['--max-semi-space-size=64']

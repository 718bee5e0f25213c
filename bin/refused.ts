// How backup and restore end when they cannot do what they were asked: one line that says why, one that says what to do, and an exit code.
import { FengsuiError } from '#contracts/errors.ts'

/** 2: asked wrongly, nothing was done; 1: it could not be done. @throws what nobody foresaw */
export function refused(error: unknown): 1 | 2 {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  if (code.startsWith('ERR_PARSE_ARGS')) {
    console.error((error as Error).message)
    return 2
  }
  if (!(error instanceof FengsuiError)) throw error
  console.error(`${error.code}: ${error.message}\n${error.hint}`)
  return error.code === 'invalid-request' || error.code === 'setting-invalid' ? 2 : 1
}

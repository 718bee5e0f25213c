// Requests are held against schemas that are compiled when the first request comes: a schema that cannot be compiled must be found here.
import { expect, test, vi } from 'vitest'
import { startRoom } from './room.ts'

type Asked = { schema: unknown; httpPart?: string }
const given = vi.hoisted((): ((data: unknown) => boolean)[] => [])
vi.mock('../../dashboard/api/schema.ts', async original => {
  const real = await original<typeof import('../../dashboard/api/schema.ts')>()
  const validatorCompiler = (asked: Asked) => {
    const validate = real.validatorCompiler(asked)
    given.push(validate)
    return validate
  }
  return { ...real, validatorCompiler }
})

test('every schema that a request is held against compiles', async () => {
  await using _ = await startRoom({ roles: [] })
  expect(given.length).toBeGreaterThan(100)
  for (const validate of given) expect(validate({})).toBeTypeOf('boolean')
})

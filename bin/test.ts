// Runs every test and ends with one plain line, `N passed, N failed`. Arguments are passed on to vitest.
// Exit code 1 when anything failed or nothing ran: a suite that runs no test has not passed.
import { parseCLI, startVitest } from 'vitest/node'

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
const vitest = await startVitest('test', filter, { ...options, run: true, watch: false, root: `${import.meta.dirname}/..` })
const tests = vitest.state.getTestModules().flatMap(module => [...module.children.allTests()])
const count = (state: string) => tests.filter(test => test.result().state === state).length
const brokenFiles = vitest.state
  .getTestModules()
  .filter(module => module.state() === 'failed' && [...module.children.allTests()].every(t => t.result().state !== 'failed')).length
const unhandled = vitest.state.getUnhandledErrors().length
const passed = count('passed')
const failed = count('failed') + brokenFiles + unhandled
const skipped = count('skipped')
await vitest.close()
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)

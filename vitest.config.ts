// One runner for everything. Unit tests (test/<room>) need nothing but the dependencies; test/system needs real programs.
import { globSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Those that take minutes and both cores begin one after the other, the small files beside them, and the rest of the running system's at the
 * end: two of them at once slow each other down until something in a browser is late. How much of the small files goes beside each follows
 * from how long it takes.
 */
const HEAVY: readonly (readonly [file: string, partBeside: number])[] = [
  ['faults-kill', 0.45],
  ['flow-editor', 0.25],
  ['views', 0.15],
  ['flows-alarm', 0.15],
]
const nameOf = ({ moduleId }: TestSpecification): string | undefined => /\/test\/system\/(.+)\.test\.ts$/.exec(moduleId)?.[1]
class HeavyApart extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const all = await super.sort(files)
    const small = all.filter(file => nameOf(file) === undefined)
    const rest = all.filter(file => !HEAVY.some(([name]) => name === nameOf(file)) && nameOf(file) !== undefined)
    let from = 0
    const apart = HEAVY.flatMap(([name, part]) => {
      const beside = small.slice(from, (from += Math.ceil(small.length * part)))
      return [...all.filter(file => nameOf(file) === name), ...beside]
    })
    return [...apart, ...small.slice(from), ...rest]
  }
}

const ALL = 'test/**/*.test.ts'
/**
 * A process of its own for each of these: what runs the whole system, and what puts another module in the place of a real one. All others
 * follow one another in the same two processes, so that what they import is loaded twice and not two hundred times.
 */
const ALONE = [
  'test/system/**/*.test.ts',
  ...globSync(ALL, { cwd: import.meta.dirname }).filter(file =>
    readFileSync(`${import.meta.dirname}/${file}`, 'utf8').includes('vi.mock('),
  ),
]

export default defineConfig({
  test: {
    // how long something may hang; what waits has a limit of its own, and none is for how fast this machine is today
    testTimeout: 600_000,
    hookTimeout: 300_000,
    // child processes and servers share two cores with the tests: fewer at once is faster and steadier
    maxWorkers: 2,
    pool: 'forks',
    sequence: { sequencer: HeavyApart },
    projects: [
      { extends: true, test: { name: 'together', include: [ALL], exclude: ALONE, isolate: false } },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
})

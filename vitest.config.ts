// One runner for everything. Unit tests (test/<room>) need nothing but the dependencies; test/system needs real programs.
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Those that take minutes begin first, or one of them runs alone at the end while the other worker has nothing to do. */
const LONGEST = ['faults-kill', 'flow-editor', 'views', 'duty', 'fires', 'desk', 'faults-torn', 'flows-alarm', 'health-alarm']
const rank = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex(name => moduleId.endsWith(`/test/system/${name}.test.ts`))
  return place >= 0 ? place : LONGEST.length + (moduleId.includes('/test/system/') ? 0 : 1)
}
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // child processes and servers share two cores with the tests: fewer at once is faster and steadier
    maxWorkers: 2,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
  },
})

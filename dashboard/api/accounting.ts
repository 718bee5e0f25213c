// Where every accepted message went, whether that adds up, and whose messages never came.
import type { AccountingReport } from '#contracts/accounting.ts'
import { answers } from './errors.ts'
import { ref, type App } from './schema.ts'

export type AccountingParts = { accounting: () => AccountingReport }

export function accountingRoutes(app: App, { accounting }: AccountingParts): void {
  app.get(
    '/api/v1/accounting',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'accepted = stored + quarantined + duplicate + without readings + passed over + in flight, and what devices miss',
        tags: ['operation'],
        response: answers({ 200: ref('Accounting') }),
      },
    },
    async () => accounting(),
  )
}

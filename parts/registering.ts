// What a registration is held against, for the API: the district, the rules for credentials, and who is registered already.
import { issueProblem } from '../broker/credentials.ts'
import type { ApiParts } from '../dashboard/api/index.ts'
import { registeredPosition, type District } from '../ingest/district.ts'
import { readSheet } from '../ingest/registration-csv.ts'

export const registering = (district: District | undefined): Pick<ApiParts, 'readSheet' | 'positionOf'> => ({
  readSheet: (csv, isTaken) =>
    readSheet(csv, {
      problemOf: ({ credential }) =>
        isTaken(credential.deviceId) ? `${credential.deviceId} is registered already` : issueProblem(credential),
      district,
    }),
  positionOf: (given, kind) => registeredPosition(given, kind, district),
})

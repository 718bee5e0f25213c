// How the system itself stands: figures of the desk, health of its parts, the account of all messages, and who is asking.
import { OUTCOMES } from '#contracts/accounting.ts'
import { TROUBLES } from '#contracts/live.ts'
import { ROLES, SCOPES } from '#contracts/people.ts'
import { flag, integer, list, number, object, oneOf, ref, text, time } from './schema.ts'
import { entity, orNull } from './shape-parts.ts'

export const SYSTEM_SHAPES: readonly { $id: string }[] = [
  entity('Kpis', {
    unacknowledged: integer(),
    alarmsIn10Min: integer(),
    mttaP50S: orNull(number()),
    mttaP90S: orNull(number()),
    openIncidents: integer(),
    devicesTotal: integer(),
    devicesOnline: integer(),
    devicesStale: integer(),
    devicesUnknown: integer(),
  }),
  entity(
    'RoomHealth',
    { room: text(), ok: flag(), detail: text() },
    { troubles: list(oneOf(TROUBLES), { description: 'what is wrong in a word, for machines' }) },
  ),
  entity(
    'Accounting',
    {
      at: time(),
      known: flag({ description: 'false: the store does not answer, its figures are those of asOf' }),
      accepted: integer({ description: 'messages acknowledged so far: the head of the journal' }),
      readers: list(object({ reader: text(), position: integer(), lag: integer() }, { oldestReceivedAt: time() })),
      journal: object({ files: integer(), bytes: integer() }),
      gaps: object({ missing: integer(), forgotten: integer(), devices: integer(), top: list(ref('DeviceGaps')) }),
      quarantine: object({ rows: integer(), open: integer({ description: 'held, not re-driven and not discarded' }) }),
    },
    {
      asOf: time(),
      account: object({
        since: integer({ description: 'position at which counting began' }),
        position: integer(),
        counts: object(Object.fromEntries(OUTCOMES.map(outcome => [outcome, integer()]))),
        storedWithNote: integer({ description: 'of the stored: something of it is in quarantine as well' }),
        inFlight: integer(),
        difference: integer({ description: 'counted too many (above 0) or too few; 0 when balanced' }),
        balanced: flag(),
      }),
    },
  ),
  entity(
    'DeviceGaps',
    {
      deviceId: text(),
      missing: integer(),
      ranges: list(object({ from: integer(), to: integer(), at: time() }, { boot: integer() })),
      forgotten: integer({ description: 'of the missing: their numbers are not remembered any more' }),
    },
    { name: text() },
  ),
  entity('Principal', { name: text(), kind: oneOf(['user', 'token'] as const), scopes: list(oneOf(SCOPES)) }, { role: oneOf(ROLES) }),
]

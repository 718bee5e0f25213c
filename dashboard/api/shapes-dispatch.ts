// Who can be sent and who was: resources with their duty, candidates with their reasons, orders with their steps.
import { ORDER_STATES } from '#contracts/order.ts'
import { CAPABILITIES, REASON_CODES, RESOURCE_KINDS, RESOURCE_STATES, TRAVEL_MODES, TRAVEL_SOURCES } from '#contracts/resource.ts'
import { flag, integer, list, number, object, oneOf, ref, text, time } from './schema.ts'
import { entity, orNull } from './shape-parts.ts'

export const DISPATCH_SHAPES: readonly { $id: string }[] = [
  entity('Eta', { lowS: number(), likelyS: number(), highS: number() }),
  entity('Reason', { code: oneOf(REASON_CODES), text: ref('Text') }),
  entity('DutyShift', { from: time(), to: time(), crew: integer() }, { note: text() }),
  entity(
    'Resource',
    {
      id: text(),
      kind: oneOf(RESOURCE_KINDS),
      name: ref('Text'),
      mode: oneOf(TRAVEL_MODES),
      capabilities: list(oneOf(CAPABILITIES)),
      accounts: list(text()),
      state: oneOf(RESOURCE_STATES),
      reasons: list(ref('Reason'), { description: 'why it is not ready, or what is less than perfect' }),
    },
    {
      position: ref('Position'),
      at: ref('Position'),
      area: text(),
      grid: text(),
      deviceId: text(),
      crewRequired: integer(),
      crewOnDuty: integer(),
      outOfService: object({ by: text(), at: time(), reason: text() }),
      lastHeardAt: time(),
      orderId: text(),
      incidentId: text(),
    },
  ),
  entity(
    'Candidate',
    {
      resourceId: text(),
      kind: oneOf(RESOURCE_KINDS),
      name: ref('Text'),
      task: oneOf(['respond', 'look'] as const),
      rank: orNull(integer({ description: '1 = first of its task; null = may not be sent' })),
      state: oneOf(RESOURCE_STATES),
      capabilities: list(oneOf(CAPABILITIES)),
      reasons: list(ref('Reason')),
    },
    { eta: ref('Eta'), distanceM: number(), travel: oneOf(TRAVEL_SOURCES), coverageLossS: number() },
  ),
  entity(
    'Order',
    {
      id: text(),
      incidentId: text(),
      resourceId: text(),
      resourceName: ref('Text'),
      state: oneOf(ORDER_STATES),
      offeredAt: time(),
      offeredBy: text(),
      answerBy: time(),
      passesOn: flag({ description: 'refusal or silence asks the next one' }),
      steps: list(object({ state: oneOf(ORDER_STATES), at: time(), by: text() }, { reason: text() })),
    },
    {
      heardAt: time({ description: 'seen or heard at the terminal of the crew' }),
      acceptedAt: time(),
      enRouteAt: time(),
      onSceneAt: time(),
      endedAt: time(),
      reason: text(),
      eta: ref('Eta'),
      distanceM: number(),
      rank: integer(),
      insteadOf: text(),
      late: list(oneOf(['turn-out', 'on-scene', 'joint'] as const)),
      clock: object({ turnOutBy: time(), onSceneBy: time(), jointBy: time() }),
      drill: flag(),
    },
  ),
]

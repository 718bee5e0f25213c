// Commands to devices: who may give which to what, and how far one has come. The API checks the list, the page hides what is not allowed.
import type { Role } from './people.ts'
import type { DeviceKind } from './reading.ts'

/**
 * queued: not with the broker yet; sent: with the broker, which keeps it for a device that is away; acknowledged: the device answered;
 * timed-out: it was sent and nobody answered in time; expired: it could not be sent in time
 */
export const COMMAND_STATES = ['queued', 'sent', 'acknowledged', 'timed-out', 'expired'] as const
export type CommandState = (typeof COMMAND_STATES)[number]

export type Command = {
  id: string
  deviceId: string
  kind: DeviceKind
  command: string
  parameters?: Record<string, unknown>
  state: CommandState
  /** user:<name>, token:<name> */
  by: string
  at: string
  expiresAt: string
  /** where it was published; absent while it is queued */
  topics?: string[]
  sentAt?: string
  /** the gateway it waits at for one of our own devices, as registered when it was sent; null = the device itself */
  waitsAt?: string | null
  /** why it is queued again: its device was moved to another gateway */
  reason?: string
  answeredAt?: string
  /** what the device said of it */
  answer?: { status: string; by?: string; reason?: string }
  /** this family never answers: sent is the last that is known */
  unanswered?: true
}

type Allowed = { kinds: readonly DeviceKind[] | 'any'; roles: readonly Role[] }

const AIRCRAFT = ['drone', 'dock'] as const
const DETECTORS = [
  'smoke',
  'heat',
  'co',
  'gas',
  'manual-call',
  'water-leak',
  'electrical-fire',
  'panel',
  'panel-component',
  'gateway',
] as const
const DESK = ['admin', 'officer'] as const
const TECHNICAL = ['admin', 'engineer'] as const
const EITHER = ['admin', 'officer', 'engineer'] as const

/** Everything that may be sent down. What is not here is not sent. A service token may what an officer may. */
export const COMMANDS: Readonly<Record<string, Allowed>> = {
  silence: { kinds: [...DETECTORS, 'micro-station'], roles: EITHER },
  /** is somebody at the panel? It is answered by a person */
  'duty-check': { kinds: ['panel', 'gateway'], roles: EITHER },
  reset: { kinds: ['panel', 'panel-component'], roles: DESK },
  'self-test': { kinds: 'any', roles: TECHNICAL },
  locate: { kinds: 'any', roles: EITHER },
  read: { kinds: 'any', roles: TECHNICAL },
  configure: { kinds: 'any', roles: TECHNICAL },
  reboot: { kinds: 'any', roles: TECHNICAL },
  alert: { kinds: ['micro-station', 'other'], roles: DESK },
  announce: { kinds: ['micro-station', 'other'], roles: DESK },
  play: { kinds: ['micro-station', 'other'], roles: DESK },
  stop: { kinds: ['micro-station', 'other', 'camera', ...AIRCRAFT], roles: DESK },
  'siren-on': { kinds: ['micro-station', 'other'], roles: DESK },
  'siren-off': { kinds: ['micro-station', 'other'], roles: DESK },
  'close-valve': { kinds: ['gas', 'water-leak', 'other'], roles: DESK },
  'cut-power': { kinds: ['electrical-fire', 'other'], roles: DESK },
  'look-at': { kinds: ['camera', ...AIRCRAFT], roles: DESK },
  preset: { kinds: ['camera'], roles: EITHER },
  snapshot: { kinds: ['camera', ...AIRCRAFT], roles: EITHER },
  'stream-start': { kinds: ['camera', ...AIRCRAFT], roles: EITHER },
  'stream-stop': { kinds: ['camera', ...AIRCRAFT], roles: EITHER },
  'take-off': { kinds: AIRCRAFT, roles: DESK },
  'go-to': { kinds: AIRCRAFT, roles: DESK },
  hover: { kinds: AIRCRAFT, roles: DESK },
  'return-home': { kinds: AIRCRAFT, roles: DESK },
  land: { kinds: AIRCRAFT, roles: DESK },
}

export const commandsFor = (kind: DeviceKind): string[] =>
  Object.entries(COMMANDS).flatMap(([name, { kinds }]) => (kinds === 'any' || kinds.includes(kind) ? [name] : []))
export const mayCommand = (role: Role, command: string): boolean => COMMANDS[command]?.roles.includes(role) ?? false

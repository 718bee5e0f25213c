// What a flow asks a device to do, before anybody has decided; see dashboard/api/command-requests.ts.

export const REQUEST_STATES = ['waiting', 'sent', 'refused'] as const

export type CommandRequest = {
  id: string
  deviceId: string
  command: string
  parameters: Record<string, unknown> | null
  reason: string
  origin: string
  state: (typeof REQUEST_STATES)[number]
  at: string
  decidedBy: string | null
}

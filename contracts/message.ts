// One message as it crossed the door: what the broker admitted, the journal keeps and every reader sees.
// The payload is the device's own bytes, never changed on the way.

/** A message before it is journalled. `identity` is the credential that sent it (never the password). */
export type InboundMessage = {
  receivedAtMs: number
  identity: string
  clientId: string
  topic: string
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  payload: Uint8Array
}

/** A message on disk. `seq` is contiguous from 1; `committedAtMs` is the wall clock when its group was handed to the disk. */
export type Message = InboundMessage & { seq: number; committedAtMs: number }

// What could not be used, with the reason and the raw bytes, so that nothing is lost and a person can see why.

export type QuarantineEntry = {
  id: string
  /** 'door' = refused by the broker (may stand for many: count), 'decoder' = journalled but not readable, 'store' = the store refused */
  source: 'door' | 'decoder' | 'store'
  code: string
  reason: string
  where?: string
  /** what happened to it: 'refused' (not acknowledged), 'held' (raw bytes kept), 'kept-with-note' (readings were used all the same), 'redriven' */
  disposition: 'refused' | 'held' | 'kept-with-note' | 'redriven'
  identity?: string
  clientId?: string
  topic?: string
  seq?: number
  count: number
  firstAt: string
  lastAt: string
  bytes: number
  /** at most 64 KiB, base64; absent where there were no bytes */
  payloadBase64?: string
}

// What could not be used, with the reason and the raw bytes, so that nothing is lost and a person can see why.

export const DISPOSITIONS = ['refused', 'held', 'kept-with-note', 'redriven', 'discarded'] as const
export type Disposition = (typeof DISPOSITIONS)[number]
export const QUARANTINE_SOURCES = ['door', 'decoder', 'store'] as const
export type QuarantineSource = (typeof QUARANTINE_SOURCES)[number]

/** All that are given must hold. */
export type QuarantineFilter = {
  code?: string
  source?: QuarantineSource
  disposition?: Disposition
  /** how the topic begins */
  topic?: string
  /** the credential that sent it, or a whole part of the topic */
  device?: string
  /** last seen at or after, first seen before; RFC 3339 */
  from?: string
  to?: string
}

/**
 * What came of sending many through again. `remaining`: what the filter still finds, those that failed among them, up to the place `upTo`: what came
 * back unmended since the first of these requests is not among them, if the next one is given `upTo` again.
 */
export type RedriveSummary = { redriven: string[]; failed: { id: string; reason: string }[]; remaining: number; upTo: number }

export type QuarantineEntry = {
  id: string
  /** 'door' = refused by the broker (may stand for many: count), 'decoder' = journalled but not readable, 'store' = the store refused */
  source: QuarantineSource
  code: string
  reason: string
  where?: string
  /** 'refused' (not acknowledged), 'held' (raw bytes kept), 'kept-with-note' (readings were used all the same), 'redriven', 'discarded' */
  disposition: Disposition
  identity?: string
  clientId?: string
  topic?: string
  seq?: number
  count: number
  firstAt: string
  lastAt: string
  bytes: number
  /** family and version of the decoder that could not read it; `none@...` where no decoder claimed it */
  decoder?: string
  /** the entry that this one came out of, sent through again and held once more */
  redriveOf?: string
  /** how often it was sent through again */
  redrives?: number
  /** when and by whom it was re-driven or discarded */
  settledAt?: string
  settledBy?: string
  /** at most 64 KiB, base64; absent where there were no bytes */
  payloadBase64?: string
}

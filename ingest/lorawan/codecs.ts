// Which codec reads a payload: the model's name where somebody wrote it down, else what only one device can have sent, else what the
// network server decoded, else a shape that fits. A payload of a named model that is broken is refused, never guessed at.
import type { JsonObject } from '../compose.ts'
import { objectPart } from './decoded-object.ts'
import { gs524n, isGs524n, isTg563a, isYobiiq, tg563a, yobiiq } from './detectors.ts'
import { isMilesight, milesight } from './milesight.ts'
import { isNetvox, netvox } from './netvox.ts'
import type { CodecResult, Hints } from './part.ts'

type Codec = {
  named: RegExp
  /** bytes and port that leave no doubt */
  certain(bytes: Uint8Array, fPort: number | undefined): boolean
  decode(bytes: Uint8Array, hints: Hints): CodecResult
}

const CODECS: readonly Codec[] = [
  { named: /gs524/, certain: isGs524n, decode: gs524n },
  { named: /tg-?563/, certain: () => false, decode: tg563a },
  { named: /sd-?1001|yobiiq/, certain: (bytes, fPort) => isYobiiq(bytes) && (fPort === undefined || fPort === 8), decode: yobiiq },
  {
    named: /netvox|\bra0[27]|\br7(?:11|18|26)|\br311/,
    certain: (bytes, fPort) => isNetvox(bytes) && (fPort === undefined || fPort === 6),
    decode: netvox,
  },
  {
    named: /milesight|\b(?:em[345]\d\d|gs101|ws[13]0\d)/,
    certain: (bytes, fPort) => isMilesight(bytes) && (fPort === undefined || fPort === 85),
    decode: milesight,
  },
]

export function decodePayload(bytes: Uint8Array, object: JsonObject | undefined, hints: Hints): CodecResult {
  const named = CODECS.find(codec => codec.named.test(hints.names))
  const certain = named ?? CODECS.find(codec => codec.certain(bytes, hints.fPort))
  const result = bytes.length > 0 ? certain?.decode(bytes, hints) : undefined
  if (result !== undefined && !('fault' in result && object !== undefined)) return result
  if (object !== undefined && Object.keys(object).length > 0) return { parts: [objectPart(object)] }
  if (bytes.length === 0) return { parts: [{}] }
  return isTg563a(bytes) && (hints.fPort ?? 1) === 1 ? tg563a(bytes) : undefined
}

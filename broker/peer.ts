// Where a connection comes from and what it showed before MQTT began: its address, and the device its certificate names.
// Nothing here lets anybody in (entry.ts does); a certificate counts only when its chain was checked (secure.ts).
import type { X509Certificate } from 'node:crypto'
import { DEVICE_ID } from '#contracts/topic.ts'

export type Shown = { deviceId: string | null; subject: string; fingerprint: string }
export type Peer = {
  address: string | null
  certificate: Shown | null
  /** a PROXY header comes before its first packet, and says where it is from */
  isAnnounced?: boolean
}
export const UNKNOWN_PEER: Peer = { address: null, certificate: null }

const URI = /URI:urn:fengsui:device:([^,\s]+)/
const COMMON_NAME = /^CN=(.*)$/m

/**
 * The device a certificate stands for: a subject alternative name `URI:urn:fengsui:device:{id}`, else the common name. null in
 * `deviceId` = what stands there is no device id.
 */
export function shownBy(certificate: X509Certificate): Shown {
  const uri = URI.exec(certificate.subjectAltName ?? '')?.[1]
  const name = uri === undefined ? COMMON_NAME.exec(certificate.subject)?.[1] : safeDecode(uri)
  const deviceId = name !== undefined && DEVICE_ID.test(name) ? name : null
  return { deviceId, subject: certificate.subject.replaceAll('\n', ', '), fingerprint: certificate.fingerprint256 }
}

function safeDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

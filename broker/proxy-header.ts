// The PROXY protocol, versions 1 and 2 (haproxy.org/download/2.9/doc/proxy-protocol.txt): what a proxy or load balancer says
// before the first byte of its client. Only whom to believe is decided elsewhere: the setting says if the header must come.
export type ProxyHeader = 'more' | { problem: string } | { bytes: number; address: string | null }

const V1 = Buffer.from('PROXY ')
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** 107 by the text, the line end included. */
const V1_BYTES_MAX = 107
const V2_FIXED_BYTES = 16
/** Addresses take at most 216; the rest is for additions (TLV) that we pass over. */
const V2_REST_BYTES_MAX = 1024

const startsLike = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length)
  return length > 0 && bytes.compare(start, 0, length, 0, length) === 0
}

/** Could this be the beginning of a header? No MQTT client begins so. */
export const looksLikeProxy = (bytes: Buffer): boolean => startsLike(bytes, V1) || startsLike(bytes, V2)

/** Reads the header at the start of a connection. `address` is null where the proxy speaks for itself or does not know. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return 'more'
  if (startsLike(bytes, V1)) return readV1(bytes)
  if (startsLike(bytes, V2)) return readV2(bytes)
  return { problem: 'no PROXY header came first, and FENGSUI_PROXY_PROTOCOL says that a proxy stands in front' }
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n')
  if (end === -1) return bytes.length < V1_BYTES_MAX ? 'more' : { problem: `a PROXY header of more than ${V1_BYTES_MAX} bytes` }
  const line = bytes.toString('latin1', 0, end)
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { bytes: end + 2, address: null }
  const [, source, port] = /^PROXY TCP[46] ([0-9A-Fa-f.:]{2,39}) [0-9A-Fa-f.:]{2,39} (\d{1,5}) \d{1,5}$/.exec(line) ?? []
  return source === undefined ? { problem: 'a PROXY header that cannot be read' } : { bytes: end + 2, address: `${source} ${port}` }
}

function readV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_BYTES) return 'more'
  const command = bytes[12] ?? 0
  const family = bytes[13] ?? 0
  const restBytes = bytes.readUInt16BE(14)
  if (command >> 4 !== 2 || (command & 0x0f) > 1) return { problem: 'a PROXY header of an unknown version or command' }
  if (restBytes > V2_REST_BYTES_MAX) return { problem: `a PROXY header of ${restBytes} bytes; the bound is ${V2_REST_BYTES_MAX}` }
  const end = V2_FIXED_BYTES + restBytes
  if (bytes.length < end) return 'more'
  const isLocal = (command & 0x0f) === 0
  const addresses = bytes.subarray(V2_FIXED_BYTES, end)
  if (isLocal || family >> 4 === 0 || family >> 4 === 3) return { bytes: end, address: null }
  if (family >> 4 === 1 && addresses.length >= 12)
    return { bytes: end, address: `${addresses.subarray(0, 4).join('.')} ${addresses.readUInt16BE(8)}` }
  if (family >> 4 === 2 && addresses.length >= 36) return { bytes: end, address: `${ipv6(addresses)} ${addresses.readUInt16BE(32)}` }
  return { problem: 'a PROXY header without the addresses it announces' }
}

const ipv6 = (bytes: Buffer): string => Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')

// Bytes as people look at them: as text where they are text, and as a hex table. Pure.

export const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), character => character.codePointAt(0) ?? 0)

/** undefined where the bytes are not UTF-8 text. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    // oxlint-disable-next-line no-control-regex -- control characters are what tells bytes from text
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

const ROW = 16
/** more would be a wall; all of it can be fetched */
const HEX_BYTES_MAX = 2_048

/** Offset, sixteen bytes, and what they are as ASCII. */
export function hexOf(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, HEX_BYTES_MAX); at += ROW) {
    const row = [...bytes.subarray(at, at + ROW)]
    const hex = row.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const ascii = row.map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(ROW * 3 - 1)}  ${ascii}`)
  }
  return lines.join('\n')
}

// Receiver lines in the style of SIA DC-09: LF, CRC and length in hex, a body that begins with the token in quotes, CR. CRC-16/ARC over the
// body. Encrypted lines (token with a star) cannot be read here.

export type Line = {
  token: string
  /** what an answer has to repeat */
  seq: string
  receiver: string | undefined
  prefix: string | undefined
  account: string
  data: string
  stampText: string | undefined
}

const BODY =
  /^"(\*?)([A-Z0-9-]{1,16})"(\d{0,4})(?:R([0-9A-F]{1,6}))?(?:L([0-9A-F]{1,6}))?(?:#([0-9A-F]{1,16}))?\[([^\]]{0,512})\](?:\[[^\]]{0,512}\])*(?:_(\d\d:\d\d:\d\d,\d\d-\d\d-\d{4}))?$/
const LINES_MAX = 64

export function linesIn(text: string): (Line | { fault: string })[] {
  return text
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => line !== '')
    .slice(0, LINES_MAX)
    .map(readLine)
}

function readLine(line: string): Line | { fault: string } {
  const quote = line.indexOf('"')
  const head = /^([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})$/.exec(line.slice(0, Math.max(0, quote)))
  if (head === null) return { fault: 'no line that begins with CRC, length and a token in quotes' }
  const body = line.slice(quote)
  const bytes = Buffer.from(body, 'latin1')
  const length = Number.parseInt(head[2] ?? '', 16)
  if (length !== bytes.length) return { fault: `length: the line says ${length}, ${bytes.length} characters came` }
  const crc = crc16(bytes)
  if (Number.parseInt(head[1] ?? '', 16) !== crc)
    return { fault: `crc: ${head[1]} came, ${crc.toString(16).toUpperCase().padStart(4, '0')} is right` }
  const parts = BODY.exec(body)
  if (parts === null) return { fault: 'the body is not "token"seq R L #account[data]' }
  const [, star, token = '', seq = '', receiver, prefix, account, data = '', stampText] = parts
  if (star === '*') return { fault: 'the line is encrypted' }
  return { token, seq, receiver, prefix, account: account ?? /^#([0-9A-F]{1,16})/.exec(data)?.[1] ?? '', data, stampText }
}

/** A line as it goes over the wire. */
export function encodeLine(body: string): Buffer {
  const bytes = Buffer.from(body, 'latin1')
  const hex = (value: number): string => value.toString(16).toUpperCase().padStart(4, '0')
  return Buffer.concat([Buffer.from(`\n${hex(crc16(bytes))}${hex(bytes.length)}`), bytes, Buffer.from('\r')])
}

export function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}

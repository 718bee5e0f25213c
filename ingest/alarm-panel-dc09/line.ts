// Receiver lines in the style of SIA DC-09: LF, CRC and length in hex, a body that begins with the token in quotes, CR. CRC-16/ARC over the
// body. An encrypted line (token with a star) is taken apart as far as it can be read without its key.

export type Head = {
  token: string
  /** what an answer has to repeat */
  seq: string
  receiver: string | undefined
  prefix: string | undefined
  account: string
}
export type Line = Head & {
  data: string
  /** behind the data, each in brackets of its own: a letter and what it stands for */
  extended: readonly string[]
  stampText: string | undefined
}
/** `hex` is what the key is needed for. */
export type Sealed = Head & { hex: string }
export type Fault = { fault: string; sealed?: Sealed }

const HEAD = String.raw`"(\*?)([A-Z0-9-]{1,16})"(\d{0,4})(?:R([0-9A-Fa-f]{1,6}))?(?:L([0-9A-Fa-f]{1,6}))?(?:#([0-9A-Fa-f]{1,16}))?\[`
const PLAIN = new RegExp(String.raw`^${HEAD}([^\]]{0,512})\]((?:\[[^\]]{0,512}\]){0,32})(?:_(\d\d:\d\d:\d\d,\d\d-\d\d-\d{4}))?$`)
const SEALED = new RegExp(String.raw`^${HEAD}([0-9A-Fa-f]*)\]?$`)
const LINES_MAX = 64

export function linesIn(text: string): (Line | Fault)[] {
  return text
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => line !== '')
    .slice(0, LINES_MAX)
    .map(readLine)
}

function readLine(line: string): Line | Fault {
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
  const sealed = SEALED.exec(body)
  if (sealed !== null && sealed[1] === '*') return { fault: 'the line is encrypted', sealed: { ...headOf(sealed), hex: sealed[7] ?? '' } }
  const parts = PLAIN.exec(body)
  if (parts === null || parts[1] === '*') return { fault: 'the body is not "token"seq R L #account[data]' }
  const [data = '', extended = '', stampText] = parts.slice(7)
  const named = headOf(parts)
  return {
    ...named,
    account: named.account === '' ? (/^#([0-9A-Fa-f]{1,16})/.exec(data)?.[1]?.toUpperCase() ?? '') : named.account,
    data,
    extended: extended === '' ? [] : extended.slice(1, -1).split(']['),
    stampText,
  }
}

function headOf([, , token = '', seq = '', receiver, prefix, account = '']: readonly (string | undefined)[]): Head {
  return { token, seq, receiver, prefix, account: account.toUpperCase() }
}

/** How a line begins that belongs to that one: `token` and what it has to repeat. */
export const headText = ({ token, seq, receiver, prefix, account }: Head): string =>
  `"${token}"${seq}${receiver === undefined ? '' : `R${receiver}`}L${prefix ?? '0'}${account === '' ? '' : `#${account}`}[`

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

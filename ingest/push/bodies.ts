// What of a pushed body goes into the journal: the body as it is, of a multipart body its parts. Pictures stay out: they have their place on
// the service that took them, and would push everything else out of the journal; so does what is large and no text. Anything else that
// nobody can read is seen in quarantine.
import { Parts } from '../cameras/parts.ts'

const PICTURE_FIELD = /("(?:image_base64|imageBase64|picture|snapshot)"\s*:\s*")[A-Za-z0-9+/=\\\s]{256,}(")/g

export function bodiesOf(contentType: string, body: Buffer): Buffer[] {
  const boundary = /^multipart\/[^;]*;.*boundary="?([^";\s]{1,128})/i.exec(contentType)?.[1]
  if (boundary === undefined) return body.length === 0 ? [] : [withoutPictures(body)]
  const end = Buffer.from(`\r\n--${boundary}`)
  return new Parts(boundary)
    .push(Buffer.concat([body, end]))
    .map(part => trimmed(part.body))
    .filter(one => isText(one) || (one.length > 0 && one.length <= UNREAD_BYTES_MAX && !isPicture(one)))
}

const UNREAD_BYTES_MAX = 16 * 1024
/** JPEG, PNG, GIF, BMP by how they begin. */
const isPicture = (body: Buffer): boolean => /^(?:\xff\xd8\xff|\x89PNG|GIF8|BM)/.test(body.subarray(0, 8).toString('latin1'))

function withoutPictures(body: Buffer): Buffer {
  if (body.length < 512 || body[0] !== 0x7b) return body
  const text = body.toString('utf8')
  const rest = text.replace(PICTURE_FIELD, '$1$2')
  return rest.length === text.length ? body : Buffer.from(rest)
}

const trimmed = (body: Buffer): Buffer => (body.subarray(-2).toString('latin1') === '\r\n' ? body.subarray(0, -2) : body)
/** XML, JSON or the lines of an event; a picture is none of these whatever it is called. */
const isText = (body: Buffer): boolean =>
  body.length > 0 && /^[\s\uFEFFï»¿]*(?:<|\{|\[|Code=)/.test(body.subarray(0, 64).toString('latin1'))

// The CAP 1.2 feed: an Atom list of the newest messages and each message as XML, for systems that prefer to fetch. What the messages say is
// dispatch's; this only carries them.
import { FengsuiError } from '#contracts/errors.ts'
import { answers } from './errors.ts'
import { integer, object, text, type App } from './schema.ts'

export type CapParts = {
  cap: { newest(limit: number): { identifier: string; sentAt: string; headline: string }[]; xml(identifier: string): string | undefined }
}

const LISTED = 100
const LISTED_MAX = 200
const tags = ['desk']
const ATOM = 'application/atom+xml; charset=utf-8'
const CAP = 'application/cap+xml; charset=utf-8'
/** the feed and each message are XML, which no schema of JSON can hold */
const document = (type: string) => ({ content: { [type]: { schema: text() } }, description: 'XML' })

const escaped = (words: string): string =>
  words
    // oxlint-disable-next-line no-control-regex
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

/** RFC 4287; ids are URNs, so that a feed behind another name stays the same feed. */
const feedOf = (entries: ReturnType<CapParts['cap']['newest']>): string => {
  const entry = ({ identifier, sentAt, headline }: (typeof entries)[number]): string =>
    `<entry><id>urn:fengsui:cap:${encodeURIComponent(identifier)}</id><title>${escaped(headline)}</title><updated>${sentAt}</updated>` +
    `<link rel="alternate" type="application/cap+xml" href="/api/v1/cap/${encodeURIComponent(identifier)}"/></entry>`
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:fengsui:cap</id><title>Fengsui CAP 1.2</title>' +
    `<author><name>fengsui</name></author><updated>${entries[0]?.sentAt ?? '1970-01-01T00:00:00.000Z'}</updated>` +
    `<link rel="self" href="/api/v1/cap"/>${entries.map(entry).join('')}</feed>\n`
  )
}

export function capRoutes(app: App, { cap }: CapParts): void {
  app.get('/api/v1/cap', {
    config: { scope: 'read' },
    schema: {
      summary: 'CAP 1.2 messages, newest first, as an Atom feed',
      tags,
      querystring: object({}, { limit: integer({ minimum: 1, maximum: LISTED_MAX, default: LISTED }) }),
      response: answers({ 200: document('application/atom+xml') }),
    },
    handler: async (request, reply) =>
      reply
        .type(ATOM)
        .serializer(String)
        .send(feedOf(cap.newest(request.query.limit ?? LISTED))),
  })

  app.get('/api/v1/cap/:id', {
    config: { scope: 'read' },
    schema: {
      summary: 'One CAP 1.2 message',
      tags,
      params: object({ id: text({ maxLength: 300 }) }),
      response: answers({ 200: document('application/cap+xml') }),
    },
    handler: async (request, reply) => {
      const xml = cap.xml(request.params.id)
      if (xml === undefined) throw new FengsuiError('not-found', `there is no CAP message ${request.params.id}`)
      return reply.type(CAP).serializer(String).send(xml)
    },
  })
}

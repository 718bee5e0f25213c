// Events in the data of a SIA-DCS line: N (new) or O (old), then pieces parted by slashes, each an event of two capitals with a number, before it
// in small letters what it belongs to (ri area, pi peripheral, id user, ti time). Text stands between carets or quotes and is no event.

export type SiaEvent = { code: string; zone: string; area?: string; peripheral?: string; user?: string; text?: string; isOld: boolean }

const EVENTS_MAX = 32
/** ^text^, *'text'NM, 'text'NM, *"text" */
const TEXT = /\^([^^]{0,256})\^?|\*?'([^']{0,256})'(?:[A-Z]{2})?|\*?"([^"]{0,256})"/g
const PIECE = /^((?:[a-z]{2}[0-9:.-]{0,12})*)([A-Z]{2})(\d{0,6})/
const MODIFIER = /([a-z]{2})([0-9:.-]{0,12})/g

/** `data` is what stands behind the account's bar. */
export function siaEvents(data: string): SiaEvent[] {
  const texts: string[] = []
  const plain = data.replaceAll(TEXT, (_, ...found: (string | undefined)[]) => {
    texts.push((found[0] ?? found[1] ?? found[2] ?? '').trim())
    return ''
  })
  const isOld = plain.startsWith('O') && !/^O[A-Z]\d/.test(plain)
  const events: SiaEvent[] = []
  // what stands before an event in a piece of its own (ri1/) holds for those behind it
  const of: Record<string, string> = {}
  for (const piece of (/^[NO](?![A-Z]\d)/.test(plain) ? plain.slice(1) : plain).split('/').slice(0, EVENTS_MAX)) {
    const event = PIECE.exec(piece)
    for (const [, name = '', value = ''] of (event?.[1] ?? piece).matchAll(MODIFIER)) of[name] = value
    if (event === null) continue
    const { ri, pi, id } = of
    events.push({
      code: event[2] ?? '',
      zone: event[3] ?? '',
      ...(ri !== undefined && { area: ri }),
      ...(pi !== undefined && { peripheral: pi }),
      ...(id !== undefined && { user: id }),
      isOld,
    })
  }
  const [text] = texts.filter(one => one !== '')
  const [first] = events
  if (first !== undefined && text !== undefined) first.text = text
  return events
}

// What CAP 1.2 asks beside its schema, as its text has it: characters of identifiers and senders, references as triples, restriction where the scope
// is restricted, closed polygons of at least four pairs, circles. For messages without attributes, comments or CDATA, as ours are.

const FORBIDDEN = /[\s,<&]/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/

export const valuesOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(m =>
    (m[1] ?? '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  )

const pairFault = (pair: string): boolean => {
  const [lat, lon, ...more] = pair.split(',').map(part => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : Number.NaN))
  return more.length > 0 || !(Math.abs(lat ?? Number.NaN) <= 90) || !(Math.abs(lon ?? Number.NaN) <= 180)
}

/** 3.2.1 and 3.2.4; '' where nothing is wrong. */
export const capFaults = (xml: string): string[] => {
  const faults: string[] = []
  const say = (is: boolean, what: string): void => void (is && faults.push(what))
  const one = (name: string): string => valuesOf(xml, name)[0] ?? ''
  for (const name of ['identifier', 'sender']) say(FORBIDDEN.test(one(name)) || one(name) === '', `${name}: ${one(name)}`)
  say(!TIME.test(one('sent')) || one('sent').endsWith('+00:00'), `sent: ${one('sent')}`)
  const references = valuesOf(xml, 'references').flatMap(text => text.split(/\s+/))
  for (const reference of references) {
    const [sender = '', identifier = '', sent = '', ...more] = reference.split(',')
    say(sender === '' || identifier === '' || !TIME.test(sent) || more.length > 0, `reference: ${reference}`)
  }
  say(one('msgType') === 'Alert' && references.length > 0, 'an Alert refers to nothing')
  say(['Update', 'Cancel', 'Ack', 'Error'].includes(one('msgType')) && references.length === 0, `${one('msgType')} without references`)
  say((one('scope') === 'Restricted') !== valuesOf(xml, 'restriction').some(text => text !== ''), 'restriction goes with scope Restricted')
  say(one('scope') === 'Private' && one('addresses') === '', 'addresses go with scope Private')
  for (const polygon of valuesOf(xml, 'polygon')) {
    const pairs = polygon.split(' ')
    say(pairs.length < 4 || pairs[0] !== pairs.at(-1) || pairs.some(pairFault), `polygon: ${polygon}`)
  }
  for (const circle of valuesOf(xml, 'circle')) {
    const [at = '', radius = '', ...more] = circle.split(' ')
    say(pairFault(at) || !(Number(radius) >= 0) || radius === '' || more.length > 0, `circle: ${circle}`)
  }
  for (const [, name = ''] of xml.matchAll(/<(\w+)><\/\1>/g)) say(true, `${name} is empty`)
  return faults
}

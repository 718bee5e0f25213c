// The little XML that cameras send: elements and text become objects, repeated elements lists, attributes (where they are asked for) `@name`.
// No DTD, no entities but the five of XML; depth and number of elements are bounded.
import type { JsonObject } from '../compose.ts'

const ELEMENTS_MAX = 5_000
const DEPTH_MAX = 32
const TOKEN = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.:-]{0,127})((?:\s[^<>]*?)?)(\/?)>|([^<]+)/y

const ATTRIBUTE = /([A-Za-z_][\w.:-]{0,127})\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const ATTRIBUTES_MAX = 32

type Open = { name: string; value: JsonObject; text: string }

/** undefined where the text is not well-formed (in this small sense) or too large. */
export function readXml(xml: string, withAttributes = false): JsonObject | undefined {
  const root: Open = { name: '', value: {}, text: '' }
  const open: Open[] = [root]
  let at = 0
  let elements = 0
  while (at < xml.length) {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(xml)
    if (token === null) return undefined
    at = TOKEN.lastIndex
    const [, cdata, slash, name, attributes = '', selfClosing, text] = token
    const here = open.at(-1) ?? root
    if (cdata !== undefined) here.text += cdata
    else if (text !== undefined) here.text += unescaped(text)
    else if (name !== undefined) {
      const local = name.slice(name.indexOf(':') + 1)
      if (slash === '/') {
        if (open.length < 2 || here.name !== local) return undefined
        open.pop()
        add(open.at(-1) ?? root, local, closed(here))
      } else {
        if (++elements > ELEMENTS_MAX || open.length > DEPTH_MAX) return undefined
        const value = withAttributes ? attributesIn(attributes) : {}
        if (selfClosing === '/') add(here, local, Object.keys(value).length > 0 ? value : '')
        else open.push({ name: local, value, text: '' })
      }
    }
  }
  return open.length === 1 ? root.value : undefined
}

/** Text beside attributes lies in `#text`; text between elements says nothing. */
function closed({ value, text }: Open): unknown {
  const names = Object.keys(value)
  if (names.length === 0) return text.trim()
  const hasOnlyAttributes = names.every(name => name.startsWith('@'))
  return hasOnlyAttributes && text.trim() !== '' ? { ...value, '#text': text.trim() } : value
}

/** Declarations of namespaces are left out: no name here is read with its own. */
function attributesIn(text: string): JsonObject {
  const found = [...text.matchAll(ATTRIBUTE)].slice(0, ATTRIBUTES_MAX)
  return Object.fromEntries(
    found
      .filter(([, name = '']) => !name.startsWith('xmlns'))
      .map(([, name = '', double, single = '']) => [`@${name}`, unescaped(double ?? single)]),
  )
}

function add(parent: Open, name: string, value: unknown): void {
  if (name === '__proto__') return
  const before = parent.value[name]
  if (!Object.hasOwn(parent.value, name)) parent.value[name] = value
  else if (Array.isArray(before)) before.push(value)
  else parent.value[name] = [before, value]
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
function unescaped(text: string): string {
  return text.replaceAll(
    /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g,
    (whole, named: string, dec: string, hex: string) => {
      if (named !== undefined) return ENTITIES[named] ?? whole
      const code = dec === undefined ? Number.parseInt(hex, 16) : Number(dec)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}

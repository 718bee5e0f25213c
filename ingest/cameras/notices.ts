// Notification messages of ONVIF as bridges pass them on: the XML of WS-BaseNotification (also inside SOAP and a metadata stream), or what XML
// readers make of it in JSON ({topic: {_: ...}, message: {message: {$, source, data}}}). Names and values of simple items become objects.
import { at, isRecord, list, str, type JsonObject } from '../compose.ts'
import { readXml } from './xml.ts'

export type Notice = {
  topic: string
  utc: string | undefined
  operation: string | undefined
  source: JsonObject
  data: JsonObject
}

const NOTICES_MAX = 64
const ITEMS_MAX = 64

export const isNotification = (text: string): boolean => /<(?:[\w.-]{1,32}:)?NotificationMessage[\s>]/.test(text)

/** undefined = not well-formed. */
export function noticesIn(xml: string): Notice[] | undefined {
  const root = readXml(xml, true)
  return root === undefined ? undefined : found(root, 0).slice(0, NOTICES_MAX).flatMap(noticeOf)
}

function found(value: unknown, depth: number): JsonObject[] {
  if (depth > 8 || !isRecord(value)) return []
  return Object.entries(value)
    .slice(0, ITEMS_MAX)
    .flatMap(([name, inner]) =>
      name === 'NotificationMessage' ? [inner].flat().filter(isRecord) : [inner].flat().flatMap(one => found(one, depth + 1)),
    )
}

/** As text it is the value itself, with attributes it lies in `#text`. */
const textIn = (value: unknown): string | undefined => str(value) ?? str(value, '#text') ?? str(value, '_')

function noticeOf(message: JsonObject): Notice[] {
  const topic = textIn(message['Topic'])
  const inner = at(message, 'Message', 'Message')
  if (topic === undefined || inner === undefined) return []
  return [
    {
      topic,
      utc: str(inner, '@UtcTime'),
      operation: str(inner, '@PropertyOperation'),
      source: simpleItems(at(inner, 'Source')),
      data: simpleItems(at(inner, 'Data')),
    },
  ]
}

/** What the ONVIF libraries of Node hand on; undefined = this is none. */
export function noticeInJson(value: unknown): Notice | undefined {
  const topic = textIn(at(value, 'topic')) ?? textIn(at(value, 'Topic'))
  const inner =
    at(value, 'message', 'message') ?? at(value, 'Message', 'Message') ?? at(value, 'message', 'Message') ?? at(value, 'Message')
  if (topic === undefined || !isRecord(inner)) return undefined
  const attributes = inner['$'] ?? inner
  return {
    topic,
    utc: str(attributes, 'UtcTime') ?? str(attributes, 'utcTime') ?? str(inner, '@UtcTime'),
    operation: str(attributes, 'PropertyOperation') ?? str(attributes, 'propertyOperation') ?? str(inner, '@PropertyOperation'),
    source: simpleItems(inner['source'] ?? inner['Source']),
    data: simpleItems(inner['data'] ?? inner['Data']),
  }
}

/** {a: 1} as it is; simple items, one or a list, with attributes in whatever way a reader keeps them, become the same. */
export function simpleItems(value: unknown): JsonObject {
  if (!isRecord(value)) return isItems(value) ? objectOf(value) : {}
  const items = value['simpleItem'] ?? value['SimpleItem']
  const elements = value['elementItem'] ?? value['ElementItem']
  if (items === undefined && elements === undefined) return value
  return { ...objectOf([items].flat()), ...elementsOf([elements].flat()) }
}

const isItems = (value: unknown): value is unknown[] => Array.isArray(value) && value.every(one => nameOf(one) !== undefined)

const nameOf = (item: unknown): string | undefined =>
  str(item, 'Name') ?? str(item, 'name') ?? str(item, '@Name') ?? str(item, '$', 'Name') ?? str(item, '$', 'name')

function objectOf(items: readonly unknown[]): JsonObject {
  const entries = list(items)
    .slice(0, ITEMS_MAX)
    .flatMap((item): [string, unknown][] => {
      const name = nameOf(item)
      const given = [at(item, 'Value'), at(item, 'value'), at(item, '@Value'), at(item, '$', 'Value'), at(item, '$', 'value')]
      return name === undefined || name === '__proto__' ? [] : [[name, given.find(one => one !== undefined)]]
    })
  return Object.fromEntries(entries)
}

/** A structured value: its own element, attributes and all, under the name of the item. */
function elementsOf(items: readonly unknown[]): JsonObject {
  return Object.fromEntries(
    items
      .filter(isRecord)
      .slice(0, ITEMS_MAX)
      .flatMap((item): [string, JsonObject][] => {
        const inner = Object.values(item).find(isRecord)
        const name = nameOf(item)
        if (inner === undefined || name === undefined || name === '__proto__') return []
        const entries = Object.entries(isRecord(inner['$']) ? inner['$'] : inner)
        return [[name, Object.fromEntries(entries.map(([key, one]) => [key.replace(/^@/, ''), one]))]]
      }),
  )
}

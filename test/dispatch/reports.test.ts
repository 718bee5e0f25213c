// What a crew says from the scene: once however often it is sent, only for its own orders, pictures known by their bytes.
import { expect, test } from 'vitest'
import { codeOf } from './desk.ts'
import { fireAt, openWorld } from './stations.ts'

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]).toString('base64')

const sent = () => {
  const { dispatch } = openWorld()
  const id = fireAt(dispatch)
  dispatch.dispatchIncident(id, { by: 'li' })
  const order = dispatch.orders({ limit: 1 })[0]
  if (order === undefined) throw new Error('nobody was sent')
  dispatch.changeResource(order.resourceId, { accounts: ['crew'] }, 'li')
  const lines = () => dispatch.incident(id)?.timeline.map(entry => entry.what) ?? []
  return { dispatch, id, order, lines }
}

test('a call for help stands on the incident until somebody is sent', () => {
  const { dispatch, id, order, lines } = sent()
  const report = { by: 'crew', onlyFor: 'crew', key: 'k1', what: 'need-help' as const, note: 'two people on the roof' }
  const changes = dispatch.reportOnOrder(order.id, report)
  expect(changes.incidents).toMatchObject([{ id }])
  expect(dispatch.incident(id)?.helpAskedAt).toBeDefined()
  dispatch.reportOnOrder(order.id, report)
  expect(lines().filter(what => what === 'need-help')).toHaveLength(1)
  const other = dispatch.resources().find(one => one.state === 'ready')
  dispatch.dispatchIncident(id, { by: 'li', resourceIds: [other?.id ?? ''] })
  expect(dispatch.incident(id)?.helpAskedAt).toBeUndefined()
  dispatch.close()
})

test('a picture is kept and named in the timeline; what is none is refused and leaves nothing', () => {
  const { dispatch, id, order, lines } = sent()
  dispatch.reportOnOrder(order.id, { by: 'crew', onlyFor: 'crew', key: 'p', what: 'picture', picture: PNG })
  const entry = dispatch.incident(id)?.timeline.find(one => one.what === 'picture')
  expect(dispatch.picture(id, entry?.pictureId ?? '')).toMatchObject({ type: 'image/png' })
  expect(dispatch.picture('another', entry?.pictureId ?? '')).toBeUndefined()
  const bad = (picture: string) => codeOf(() => dispatch.reportOnOrder(order.id, { by: 'crew', key: picture, what: 'picture', picture }))
  expect(bad(Buffer.from('<svg onload=x>').toString('base64'))).toBe('invalid-request')
  expect(codeOf(() => dispatch.reportOnOrder(order.id, { by: 'crew', key: 'x', what: 'picture' }))).toBe('invalid-request')
  expect(lines().filter(what => what === 'picture')).toHaveLength(1)
  dispatch.close()
})

test('a crew reports on its own orders only; a false alarm is a finding, the incident stays open', () => {
  const { dispatch, id, order } = sent()
  const finding = { by: 'other', onlyFor: 'other', key: 'f', what: 'found-false' as const }
  expect(codeOf(() => dispatch.reportOnOrder(order.id, finding))).toBe('forbidden')
  dispatch.reportOnOrder(order.id, { ...finding, by: 'crew', onlyFor: 'crew' })
  expect(dispatch.incident(id)?.state).not.toBe('closed')
  dispatch.close()
})

// Cameras beyond the sample payloads: several alerts in one body, what clears what, and markup made to be slow or deep.
import { expect, test } from 'vitest'
import { readXml } from '../../ingest/cameras/xml.ts'
import { decoder } from '../../ingest/decoders/cameras.ts'
import { asking, mutations } from './decoding.ts'

const IN = 'in/cameras/192.0.2.9'
const alert = (type: string, channel: number, state = 'active'): string =>
  `<EventNotificationAlert><macAddress>00:01:02:03:04:05</macAddress><channelID>${channel}</channelID><eventType>${type}</eventType><eventState>${state}</eventState></EventNotificationAlert>`

test('several alerts of one body become several readings; a heartbeat among them says only that the camera is heard', () => {
  const body = `${alert('videoloss', 1, 'inactive')}\n--b\n${alert('fireDetection', 2)}\n--b\n${alert('VMD', 3)}`
  expect(asking(decoder)(IN, body).readings.map(r => [r.deviceId, r.alarms.fire])).toEqual([
    ['hik:00:01:02:03:04:05/1', undefined],
    ['hik:00:01:02:03:04:05/2', true],
    ['hik:00:01:02:03:04:05/3', undefined],
  ])
})

test('motion, a person or a car says nothing about fire: it neither raises nor clears it', () => {
  const ask = asking(decoder)
  for (const type of ['VMD', 'linedetection', 'facedetection', 'IO']) expect(ask(IN, alert(type, 1)).readings[0]?.alarms, type).toEqual({})
  const dahua = 'Code=CrossLineDetection;action=Start;index=0;data={"Object":{"ObjectType":"Vehicle","BoundingBox":[0,0,4096,8192]}}'
  expect(ask(IN, dahua).readings[0]).toMatchObject({ alarms: {}, detections: [{ class: 'vehicle', bbox: [0, 0, 0.5, 1] }] })
})

test('a rule on "lower than" is no fire; an old alert sent again is history', () => {
  const cold = {
    eventType: 'TMA',
    macAddress: 'x',
    TMA: { ruleType: 'lowest temp is lower than', currTemperature: -20, ruleTemperature: -10 },
  }
  expect(asking(decoder)(IN, cold).readings[0]?.alarms).toEqual({ supervisory: true })
  const old = { eventType: 'fireDetection', macAddress: 'x', dateTime: '2025-06-01T00:00:00Z', isDataRetransmission: true }
  expect(asking(decoder)(IN, old).readings[0]).toMatchObject({ ts: '2025-06-01T00:00:00.000Z', flags: { history: true } })
})

test('several regions of fire are several detections of one event', () => {
  const region = (x: number) => ({
    RegionCoordinatesList: {
      RegionCoordinates: [
        { positionX: x, positionY: 0 },
        { positionX: x + 100, positionY: 500 },
      ],
    },
  })
  const fire = { eventType: 'fireDetection', macAddress: 'x', DetectionRegionList: { DetectionRegionEntry: [region(0), region(250)] } }
  expect(asking(decoder)(IN, fire).readings[0]?.detections).toEqual([
    { class: 'fire', bbox: [0, 0, 0.1, 0.5] },
    { class: 'fire', bbox: [0.25, 0, 0.1, 0.5] },
  ])
  expect(asking(decoder)(IN, { ...fire, eventState: 'inactive' }).readings[0]?.detections).toBeUndefined()
})

test('a picture inside a VIAS alarm is not kept', () => {
  const text = JSON.stringify(asking(decoder)(IN, { stream_id: 's', event_type: 'fire', image_base64: 'UElDVFVSRQ==' }))
  expect(text).not.toContain('UElDVFVSRQ')
})

test('XML: lists, text, entities; nothing that is not well-formed', () => {
  expect(readXml('<a><b>1</b><b>2 &lt; &#x41;</b><c/><!-- x --><d><![CDATA[<e>]]></d></a>')).toEqual({
    a: { b: ['1', '2 < A'], c: '', d: '<e>' },
  })
  for (const bad of [
    '<a>',
    '<a></b>',
    '</a>',
    '<a><b></a></b>',
    `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`,
    '<!DOCTYPE a [<!ENTITY b "c">]><a/>',
  ])
    expect(readXml(bad), bad).toBeUndefined()
})

test('bodies made to be slow are read in one pass', () => {
  const ask = asking(decoder)
  for (const body of [
    '<EventNotificationAlert>'.repeat(20_000),
    '\n'.repeat(300_000),
    'Code=A;action=B;index=1;'.repeat(10_000),
    `{"eventType":${'['.repeat(50_000)}`,
  ])
    expect(ask(IN, body)).toBeDefined()
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const event = {
    type: 'new',
    after: {
      camera: 'c',
      label: 'fire',
      score: 0.5,
      box: [1, 2, 3, 4],
      frame_time: 1767225609.5,
      sub_label: 'x',
      id: 'i',
      current_zones: ['z'],
    },
  }
  for (const odd of mutations(event)) ask('frigate/events', odd)
  for (const odd of mutations({ after: { camera: 'c', start_time: 1, data: { objects: ['fire'], audio: ['x'] } } }))
    ask('frigate/reviews', odd)
  const hik = {
    eventType: 'TMA',
    channelID: 1,
    dateTime: '2026-01-01T00:00:00Z',
    DetectionRegionList: {
      DetectionRegionEntry: [
        {
          detectionTarget: 'human',
          TargetRect: { X: 0.1, Y: 0.1, width: 0.1, height: 0.1 },
          TMA: { currTemperature: 5, ruleType: 'a', MaximumTemperaturePoint: { RegionCoordinates: { positionX: 1, positionY: 1 } } },
        },
      ],
    },
  }
  for (const odd of mutations(hik)) ask(IN, odd)
  for (const odd of mutations({ UtcTime: '2026-01-01T00:00:00Z', Source: { a: 'b' }, Data: { Value: 5, State: true } }))
    ask('c/onvif-ej/Device/Temperature/High', odd)
  for (const odd of mutations({ timestamp: 1, topic: 't', message: { source: { a: '1' }, data: { active: '1' } } })) ask('axis/a/b', odd)
  for (const odd of mutations({ stream_id: 's', timestamp: 1, data: [{ category: 'fire' }] })) ask(IN, odd)
})

test('an event that nobody documented is noted once a day, and read each time', () => {
  const ask = asking(decoder)
  const dayMs = 86_400_000
  const notes = [0, 1, dayMs].map(laterMs => ask(IN, alert('smokeSourceAlarm', 1), { atMs: Date.parse('2026-01-01T00:00:10Z') + laterMs }))
  expect(notes.map(one => [one.notes?.length ?? 0, one.readings[0]?.alarms.smoke])).toEqual([
    [1, true],
    [0, true],
    [1, true],
  ])
})

test('a heartbeat hears every channel that ever told of something; a picture that was lost is back', () => {
  const ask = asking(decoder)
  for (const channel of [1, 2]) ask(IN, alert('videoloss', channel))
  expect(ask(IN, alert('videoloss', 1, 'inactive')).readings.map(r => [r.deviceId.at(-1), r.alarms])).toEqual([
    ['1', { fault: false }],
    ['2', {}],
  ])
  expect(ask(IN, alert('videoloss', 1, 'inactive')).readings.map(r => r.alarms)).toEqual([{}, {}])
  ask('in/cameras/d', 'Code=AlarmLocal;action=Start;index=3')
  expect(ask('in/cameras/d', 'Heartbeat\r\n').readings.map(r => [r.deviceId, r.alarms, r.online])).toEqual([['dahua:d/3', {}, undefined]])
})

test('what has a state under a name of its own is not raised because we do not know the name', () => {
  const ask = asking(decoder)
  const event = (data: object) =>
    ask('c/onvif-ej/VideoAnalytics/SmokeDetection', { UtcTime: '2026-01-01T00:00:00Z', Data: data }).readings[0]?.alarms
  expect(event({ StrangeName: 'false' })).toEqual({ smoke: false })
  expect(event({ StrangeName: '1' })).toEqual({ smoke: true })
  expect(event({})).toEqual({ smoke: true })
  const axis = (topic: string, data: object) => ask('axis/a/event/x', { topic, timestamp: 1, message: { source: {}, data } }).readings[0]
  expect(axis('tnsaxis:VideoSource/Thermometry/Reading', { Temperature: '61' })).toMatchObject({
    alarms: {},
    metrics: { temperature_c: 61 },
  })
  expect(axis('tns1:Device/Sensor/Temperature/Low', { State: '1' })?.alarms).toEqual({})
  expect(axis('tns1:Device/tnsaxis:Network/Firewall', { active: '1' })?.alarms).toEqual({})
})

test('the shapes that bridges give a notification of ONVIF are one event', () => {
  const ask = asking(decoder)
  const topic = 'tns1:RuleEngine/TamperDetector/Tamper'
  const utc = { UtcTime: '2026-01-01T00:00:09Z', PropertyOperation: 'Changed' }
  const [source, data] = [
    { Name: 'VideoSourceToken', Value: 'v1' },
    { Name: 'IsTamper', Value: 'true' },
  ]
  const shapes: object[] = [
    { topic: { _: topic }, message: { message: { $: utc, source: { simpleItem: { $: source } }, data: { simpleItem: { $: data } } } } },
    { Topic: topic, Message: { Message: { ...utc, Source: { SimpleItem: [source] }, Data: { SimpleItem: [data] } } } },
    { Topic: topic, Message: { ...utc, Source: { VideoSourceToken: 'v1' }, Data: { IsTamper: true } } },
    { topic, ...utc, Source: { VideoSourceToken: 'v1' }, Data: { IsTamper: 'true' } },
    { topic, ...utc, Source: [source], Data: [data] },
  ]
  for (const shape of shapes)
    expect(ask('in/cameras/c', shape).readings, JSON.stringify(shape)).toMatchObject([
      { deviceId: 'onvif:c/v1', ts: '2026-01-01T00:00:09.000Z', alarms: { tamper: true } },
    ])
})

test('zones of a Hikvision alarm hub are told by their Contact-ID; restored is restored though its state is "active"', () => {
  const ask = asking(decoder)
  const event = (CIDEvent: object) =>
    ask(IN, {
      macAddress: '44:19:b6:01:02:03',
      channelID: 1,
      dateTime: '2026-01-01T08:00:05+08:00',
      activePostCount: 1,
      eventType: 'cidEvent',
      eventState: 'active',
      eventDescription: 'CID event',
      CIDEvent,
    })
  const zone = 'hik:44:19:b6:01:02:03/zone-3'
  const of = (standardCIDcode: number, more: object = { zone: 3 }) =>
    event({ code: 1103, standardCIDcode, type: 'zoneAlarm', trigger: '2026-01-01T08:00:05+08:00', ...more }).readings.map(r => [
      r.deviceId,
      r.alarms,
    ])
  expect(of(1110)).toEqual([[zone, { fire: true }]])
  expect(of(3110)).toEqual([[zone, { fire: false }]])
  expect(of(1151)).toEqual([[zone, { gas: true }]])
  expect(of(1130)).toEqual([[zone, {}]])
  expect(of(1607)).toEqual([[zone, { test: true }]])
  expect(of(3401, { system: 1 })).toEqual([['hik:44:19:b6:01:02:03/1', {}]])
  const own = event({ code: 1103, type: 'zoneAlarm', zone: 3 })
  expect([own.readings[0]?.alarms, own.notes?.[0]?.reason]).toEqual([{}, expect.stringMatching(/without standardCIDcode/)])
})

test('regions of Hikvision that each lie in an object of their own bring their temperatures, and a rule on cold is no fire', () => {
  const of = (eventType: string, ...blocks: object[]) =>
    asking(decoder)(IN, {
      macAddress: '44:19:b6:01:02:03',
      channelID: 2,
      eventType,
      eventState: 'active',
      DetectionRegionList: blocks.map(block => ({ DetectionRegionEntry: { [eventType]: { thermometryUnit: 'celsius', ...block } } })),
    }).readings[0]
  const hot = { ruleTemperature: 60, ruleType: 'highest temp is higher than' }
  const point = { MaximumTemperaturePoint: { RegionCoordinates: { positionX: 384, positionY: 218 } } }
  expect(of('TMA', { ...hot, currTemperature: 61 }, { ...hot, ...point, currTemperature: 82.5 })).toMatchObject({
    alarms: { heat: true, fire: true },
    metrics: { temperature_max_c: 82.5, rule_temperature_c: 60 },
    thermal: { maxC: 82.5, point: { x: 0.384, y: 0.218 } },
  })
  const cold = of('TMA', { ruleTemperature: -10, currTemperature: -22, ruleType: 'lowest temp is lower than' })
  expect([cold?.alarms, cold?.metrics]).toEqual([{ supervisory: true }, { temperature_min_c: -22, rule_temperature_c: -10 }])
})

test('hot spots of Dahua are looked at, cold ones are no fire, and both end', () => {
  const of = (code: string, action: string) => asking(decoder)('in/cameras/d', `Code=${code};action=${action};index=1`).readings[0]?.alarms
  expect(of('HotSpotWarning', 'Start')).toEqual({ heat: true, preAlarm: true })
  expect(of('HotSpotWarning', 'Stop')).toEqual({ heat: false, preAlarm: false })
  expect(of('ColdSpotWarning', 'Start')).toEqual({ supervisory: true })
  expect(of('VideoTamper', 'Start')).toEqual({})
})

test('VIAS: each place says whether it is fire or smoke; a smoker is none of both, an algorithm that nobody documented is looked at', () => {
  const of = (event_type: number, ...states: number[]) =>
    asking(decoder)(IN, { event_type, stream_id: 's', timestamp: 1_767_225_605, data: { event_set: states.map(state => ({ state })) } })
  expect(of(393_216, 1).readings[0]).toMatchObject({ alarms: { flame: true }, detections: [{ class: 'fire' }] })
  expect(of(393_216, 2, 1).readings[0]?.alarms).toEqual({ flame: true, smoke: true })
  expect(of(393_216).readings[0]?.alarms).toEqual({ preAlarm: true })
  for (const number of [720_896, 196_609, 33_882_113]) expect(of(number, 1).readings[0]?.alarms, String(number)).toEqual({})
  expect(of(0x7f_0000).notes?.[0]?.reason).toMatch(/not documented/)
})

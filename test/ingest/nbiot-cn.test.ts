// NB-IoT platforms beyond the sample bodies: a pressure terminal inside an envelope, undocumented codes, odd values.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decoder } from '../../ingest/decoders/nbiot-cn.ts'
import { asking, mutations } from './decoding.ts'

const TOPIC = 'in/nbiot-cn/x'
const frame = readFileSync(join(import.meta.dirname, '../fixtures/meokon/pressure-normal.hex')).toString()

test('a MEOKON frame inside CTWing (base64) and OneNET (hex) is the terminal itself', () => {
  const ask = asking(decoder)
  const base64 = Buffer.from(frame, 'hex').toString('base64')
  expect(ask(TOPIC, { deviceId: 'd', messageType: 'dataReport', payload: { APPdata: base64 } }).readings[0]?.deviceId).toBe(
    'meokon:SHTT26010001',
  )
  expect(ask(TOPIC, { msg: { dev_id: 1, type: 1, value: frame } }).readings[0]?.metrics['pressure_kpa']).toBe(421)
})

test('a status nobody documented touches no alarm and is noted', () => {
  const { readings, notes } = asking(decoder)(TOPIC, { deviceId: 'd', payload: { serviceData: { Alarm_Status: 77 } } })
  expect(readings[0]?.alarms).toEqual({})
  expect(notes?.[0]?.reason).toMatch(/77 is not documented/)
})

test('names, numbers and events that nobody knows are told, and what the platform calls an alarm is looked at', () => {
  const ask = asking(decoder)
  const reasonOf = (body: object) => ask(TOPIC, body).notes?.[0]?.reason
  expect(reasonOf({ deviceId: 'd', payload: { serviceData: { 烟雾: 1 } } })).toMatch(/none of its names is known: 烟雾/)
  expect(reasonOf({ devId: 'd', status: [{ 1: 'alarm', t: 1 }] })).toMatch(/1 data points by number only/)
  expect(reasonOf({ client_id: 'c', dcode: '868', event: '0099' })).toMatch(/event 0099 is not documented/)
  const event = { messageType: 'eventReport', deviceId: 'd', eventContent: { strange: 1 } }
  expect(ask(TOPIC, { ...event, eventType: 1 }).readings[0]?.alarms).toEqual({})
  expect(ask(TOPIC, { ...event, eventType: 3 }).readings[0]?.alarms).toEqual({ fault: true })
  expect(reasonOf({ ...event, eventType: 2 })).toMatch(/calls an alarm/)
})

test('what a rule of OneNET Studio passes on has no envelope', () => {
  const ask = asking(decoder)
  const message = {
    productId: 'C6',
    deviceId: 7,
    messageType: 'notify',
    notifyType: 'property',
    data: { params: { smoke_state: { value: 1 } } },
  }
  expect(ask(TOPIC, message).readings[0]).toMatchObject({ deviceId: 'onenet:7', alarms: { smoke: true } })
  expect(ask(TOPIC, { ...message, messageType: 'sceneLog' }).ignored).toBeDefined()
})

test('answers to commands are no news of a device', () => {
  const ask = asking(decoder)
  expect(ask(TOPIC, { notifyType: 'commandRsp', header: { deviceId: 'd' }, body: {} }).ignored).toBeDefined()
  expect(ask(TOPIC, { deviceId: 'd', commandId: 'c', result: { resultCode: 'SUCCESSFUL' } }).ignored).toBe('what became of a command')
})

test('a panel that says restored, reset or fault', () => {
  const ask = asking(decoder)
  const said = (event: string, content: string) =>
    ask(TOPIC, { client_id: 'c', dcode: '868000000000000001', event, address: '003', content }).readings[0]?.alarms
  expect(said('0003', '报警_003防区烟感恢复')).toEqual({ smoke: false })
  expect(said('0003', '报警_003防区可燃气体')).toEqual({ gas: true })
  expect(said('0006', '故障_003防区')).toEqual({ fault: true })
  expect(said('0007', '复位')).toMatchObject({ fire: false, smoke: false })
})

test('several services of one notification become several readings', () => {
  const services = [{ data: { devState: 1 } }, { data: { devState: 4 } }]
  expect(asking(decoder)(TOPIC, { notifyType: 'deviceDatasChanged', deviceId: 'd', services }).readings.map(r => r.alarms)).toEqual([
    { smoke: true },
    { lowBattery: true },
  ])
})

test('odd values in every place give canonical readings or a reason', () => {
  const ask = asking(decoder)
  const bodies: object[] = [
    {
      deviceId: 'd',
      timestamp: 1,
      messageType: 'dataReport',
      payload: { serviceData: { Alarm_Status: 1, TData: 5, RSRP: 9, SNR: 1 }, APPdata: 'UFU=' },
    },
    {
      notifyType: 'deviceDataChanged',
      deviceId: 'd',
      service: { data: { devState: 1, electricQuantity: 5, rawData: 'AA==' }, eventTime: '20260101T000000Z' },
    },
    { msg: { at: 1, type: 1, dev_id: 'a', value: { smoke_state: 1 }, data: { params: { a: { value: 1 } } } } },
    {
      devId: 'd',
      status: [
        { code: 'smoke_sensor_status', t: 1, value: 'alarm' },
        { code: 'checking_result', value: 'check_failure' },
      ],
    },
    {
      records: [
        { uuid: 'u', cid: 1280, aid: 128, value: '0100', zonetype: 40, uptime: 1 },
        { uuid: 'u', cid: 1026, value: '6009' },
      ],
    },
  ]
  bodies.push(
    {
      client_id: 'c',
      dcode: '868',
      event: '0003',
      loop: '1',
      address: '2',
      eventdate: 1,
      content: '火',
      detail: { event: '1', state: '2' },
    },
    {
      resource: 'device.property',
      event_time: '20260101T000000Z',
      notify_data: { header: { device_id: 'd' }, body: { services: [{ properties: { a: 1 } }] } },
    },
    { bizCode: 'devicePropertyMessage', bizData: { devId: 'd', properties: [{ code: 'fault', time: 1, value: 2 }] }, ts: 1 },
    { messageType: 'eventReport', IMEI: 5, eventType: 2, eventContent: { smoke_state: 1 } },
    { msg: '{"deviceId":"1","notifyType":"event","data":{"params":{"a":{"value":{},"time":1}}}}', time: 1 },
  )
  for (const body of bodies) for (const odd of mutations(body)) ask(TOPIC, odd)
})

test('steps of an alarm are one alarm; which way a valve or a fan stands is kept as it is', () => {
  const payload = { gas_sensor_state: 2, valve_state: 2, fan_state: 2, gas_value: 9 }
  expect(asking(decoder)(TOPIC, { deviceCode: '1', payload }).readings[0]).toMatchObject({
    alarms: { gas: true },
    metrics: { valve_state_raw: 2, fan_state_raw: 2, gas_value_raw: 9 },
  })
})

test('an alarm that does not say of what is a pre-alarm, noted; none of it is none', () => {
  const ask = asking(decoder)
  const said = (payload: object) => {
    const { readings, notes } = ask(TOPIC, { deviceId: 'd', payload })
    return [readings[0]?.alarms, notes?.[0]?.reason]
  }
  expect(said({ alarm_type: 3 })).toEqual([{ preAlarm: true }, 'alarm_type does not say of what'])
  expect(said({ alarm: 0 })).toEqual([{ preAlarm: false }, undefined])
  expect(said({ alarm: 1, smoke_state: 0 })).toEqual([{ smoke: false }, undefined])
})

test('the older words of Tuya: 1 is the alarm and 2 its end; a battery without a unit is no percentage; a self-test that went well takes back the one that did not', () => {
  const ask = asking(decoder)
  const of = (...status: object[]) => ask(TOPIC, { devId: 'd', status }).readings[0]
  expect(of({ code: 'smoke_sensor_state', value: '1' })).toMatchObject({ kind: 'smoke', alarms: { smoke: true } })
  expect(of({ code: 'smoke_sensor_state', value: '2' })?.alarms).toEqual({ smoke: false })
  expect(of({ code: 'gas_sensor_state', value: 2 })?.alarms).toEqual({ gas: false })
  expect(of({ code: 'ch4_sensor_state', value: 'alarm' })).toMatchObject({ kind: 'gas', alarms: { gas: true } })
  expect(of({ code: 'smoke_sensor_status', value: 'normal' })?.alarms).toEqual({ smoke: false })
  const battery = of({ code: 'battery_value', value: 30 })
  expect([battery?.batteryPct, battery?.metrics]).toEqual([undefined, { battery_raw: 30 }])
  expect(of({ code: 'battery_percentage', value: 30 })?.batteryPct).toBe(30)
  expect(of({ code: 'checking_result', value: 'check_failure' })?.alarms).toEqual({ fault: true })
  expect(of({ code: 'checking_result', value: 'check_success' })?.alarms).toEqual({ fault: false })
  expect(of({ code: 'checking_result', value: 'checking' })?.alarms).toEqual({})
  expect(of({ code: 'fault', value: 1 }, { code: 'checking_result', value: 'check_success' })?.alarms).toEqual({ fault: true })
})

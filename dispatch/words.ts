// What alarms and incidents are called, in Chinese and in English, and what a timeline line says. Words only, no decisions.
import type { AlarmKind, Text } from '#contracts/alarm.ts'
import type { IncidentState } from '#contracts/incident.ts'
import type { OrderState } from '#contracts/order.ts'
import type { Place } from '#contracts/reading.ts'
import type { EtaInterval } from '#contracts/resource.ts'
import type { AnyEvent, OrderNotice } from './notifiers/notifier.ts'

export const KIND_NAMES: Record<AlarmKind, Text> = {
  'fire-alarm': { zh: '火灾报警', en: 'Fire alarm' },
  'pre-alarm': { zh: '火灾预警', en: 'Fire pre-alarm' },
  'gas-alarm': { zh: '燃气泄漏报警', en: 'Gas alarm' },
  'co-alarm': { zh: '一氧化碳报警', en: 'Carbon monoxide alarm' },
  'manual-call': { zh: '手动报警', en: 'Manual call point' },
  heat: { zh: '高温报警', en: 'Heat alarm' },
  'electrical-fire': { zh: '电气火灾报警', en: 'Electrical fire alarm' },
  'water-leak': { zh: '漏水', en: 'Water leak' },
  'pressure-low': { zh: '水压过低', en: 'Water pressure low' },
  'pressure-high': { zh: '水压过高', en: 'Water pressure high' },
  'level-low': { zh: '液位过低', en: 'Water level low' },
  'level-high': { zh: '液位过高', en: 'Water level high' },
  fault: { zh: '设备故障', en: 'Fault' },
  tamper: { zh: '设备被拆动', en: 'Tampering' },
  'low-battery': { zh: '电池电量低', en: 'Low battery' },
  'device-offline': { zh: '设备离线', en: 'Device offline' },
  'gateway-offline': { zh: '网关离线', en: 'Gateway offline' },
  'drone-offline': { zh: '无人机离线', en: 'Drone offline' },
  'sensor-fault': { zh: '传感器失准', en: 'Sensor fault' },
  'station-not-ready': { zh: '微型消防站未就绪', en: 'Micro fire station not ready' },
  test: { zh: '测试报警', en: 'Test alarm' },
  health: { zh: '系统健康', en: 'System health' },
}

const isNumber = (words: string): boolean => /^-?\d+$/.test(words)
const given = (parts: (string | undefined)[]): string[] => parts.filter(part => part !== undefined && part !== '') as string[]

/** Location words down to the room; undefined when nothing is known of the place. */
const placeWords = (place: Place | undefined): Text | undefined => {
  const { area, building, floor, room } = place ?? {}
  const zhFloor = floor !== undefined && isNumber(floor) ? `${floor} 层` : floor
  const zh = given([area, building, zhFloor, room])
  const en = given([building, floor && `floor ${floor}`, room && `room ${room}`, area])
  return zh.length === 0 ? undefined : { zh: zh.join(' '), en: en.join(', ') }
}

export const titleOf = (kind: AlarmKind, place: Place | undefined, otherwise: string): Text => {
  const where = placeWords(place) ?? { zh: otherwise, en: otherwise }
  return { zh: `${KIND_NAMES[kind].zh} · ${where.zh}`, en: `${KIND_NAMES[kind].en} · ${where.en}` }
}

export const LEVEL_NAMES = ['', 'I', 'II', 'III', 'IV'] as const

/** What a timeline line is about; its text says it in words. */
export const WHAT: Record<string, Text> = {
  opened: { zh: '警情建立', en: 'Incident opened' },
  alarm: { zh: '报警并入', en: 'Alarm joined' },
  're-alarm': { zh: '报警升级，需重新确认', en: 'Alarm became graver: acknowledge again' },
  cleared: { zh: '报警条件消失', en: 'Condition cleared' },
  acknowledged: { zh: '已确认接警', en: 'Acknowledged' },
  'alarm-acknowledged': { zh: '报警已确认', en: 'Alarm acknowledged' },
  shelved: { zh: '报警搁置', en: 'Alarm shelved' },
  unshelved: { zh: '报警恢复（结束搁置）', en: 'Alarm back from the shelf' },
  suppressed: { zh: '报警抑制', en: 'Alarm suppressed' },
  'out-of-service': { zh: '报警停用', en: 'Alarm out of service' },
  returned: { zh: '报警恢复使用', en: 'Alarm back in service' },
  note: { zh: '记录', en: 'Note' },
  'need-help': { zh: '现场请求支援', en: 'The crew asks for help' },
  'found-false': { zh: '现场认为是误报', en: 'The crew found a false alarm' },
  picture: { zh: '现场照片', en: 'Picture from the scene' },
  controlled: { zh: '火情已控制', en: 'Under control' },
  'late-turn-out': { zh: '超过 1 分钟未出动', en: 'Not out of the door within 1 minute' },
  'late-on-scene': { zh: '超过 3 分钟未到场', en: 'Not on scene within 3 minutes' },
  'late-joint': { zh: '超过 5 分钟未形成联勤处置', en: 'No joint action within 5 minutes' },
  handover: { zh: '已生成 119 移交包', en: 'Hand-over package for 119 made' },
  'nobody-left': { zh: '没有可派的就绪力量，请人工处置', en: 'Nobody else is free and ready: an officer must decide' },
  merged: { zh: '已并入其他警情', en: 'Merged into another incident' },
  absorbed: { zh: '并入其他警情的报警', en: 'Took in another incident' },
  closed: { zh: '警情结束', en: 'Closed' },
  're-opened': { zh: '结束后报警再起，警情重开', en: 'Re-opened: an alarm needs an answer after closing' },
  notified: { zh: '已通知外部', en: 'Told outside' },
  'not-notified': { zh: '未能通知外部', en: 'Could not be told outside' },
  'next-channel': { zh: '无应答，改用下一渠道', en: 'Not answered: told over the next channel' },
  observation: { zh: '目击报告', en: 'Observation' },
  unheard: { zh: '所有渠道均无应答', en: 'Answered on no channel' },
  heard: { zh: '接收人已听到', en: 'Heard by the recipient' },
  'recipient-accepted': { zh: '接收人已接受', en: 'Accepted by the recipient' },
  refused: { zh: '接收人无法前往', en: 'Refused by the recipient' },
}

export const REOPENED_BY_HAND: Text = { zh: '警情重开（人工）', en: 'Re-opened by hand' }

const ORDER_VERBS: Record<OrderState, Text> = {
  offered: { zh: '已派单', en: 'was asked' },
  accepted: { zh: '已接单', en: 'accepted' },
  'en-route': { zh: '已出动', en: 'is on the way' },
  'on-scene': { zh: '已到场', en: 'is on scene' },
  complete: { zh: '任务完成', en: 'completed its order' },
  refused: { zh: '拒绝接单', en: 'refused' },
  silent: { zh: '未应答，转派下一力量', en: 'did not answer' },
  withdrawn: { zh: '派单撤回', en: 'was called back' },
}
export const orderWords = (state: OrderState, name: Text): Text => ({
  zh: `${name.zh}：${ORDER_VERBS[state].zh}`,
  en: `${name.en} ${ORDER_VERBS[state].en}`,
})

export const offeredWords = (name: Text, eta: EtaInterval | undefined): Text => {
  if (eta === undefined) return orderWords('offered', name)
  const minutes = (s: number): string => (s / 60).toFixed(1)
  return {
    zh: `${name.zh}：已派单，预计 ${minutes(eta.likelyS)} 分钟到场（${minutes(eta.lowS)}–${minutes(eta.highS)}）`,
    en: `${name.en} was asked, expected in ${minutes(eta.likelyS)} min (${minutes(eta.lowS)} to ${minutes(eta.highS)})`,
  }
}

export const severityWords = (from: number, to: number): Text => ({
  zh: `等级由 ${LEVEL_NAMES[from] ?? from} 升为 ${LEVEL_NAMES[to] ?? to}`,
  en: `Level rose from ${LEVEL_NAMES[from] ?? from} to ${LEVEL_NAMES[to] ?? to}`,
})

export const confirmedWords = (first: string, second: string): Text => ({
  zh: `两个独立触发装置（${first}、${second}）确认火灾，按 I 级处置（GB 50116-2013 4.1.6）`,
  en: `Two independent triggers (${first}, ${second}) confirm a fire: level I (GB 50116-2013 4.1.6)`,
})

export const escalatedWords = (from: string, to: string): Text => {
  const zh: Record<string, string> = { grid: '网格', community: '社区', street: '街道', district: '区', city: '市' }
  return { zh: `上报：${zh[from] ?? from} → ${zh[to] ?? to}`, en: `Escalated: ${from} to ${to}` }
}

const STATE_NAMES: Record<IncidentState, Text> = {
  new: { zh: '未接警', en: 'nobody acknowledged it' },
  acknowledged: { zh: '未派力量', en: 'nobody was sent' },
  dispatched: { zh: '无人接单', en: 'nobody accepted' },
  accepted: { zh: '未出动', en: 'nobody is on the way' },
  'en-route': { zh: '未到场', en: 'nobody is on scene' },
  'on-scene': { zh: '未控制', en: 'not under control' },
  controlled: { zh: '未结案', en: 'not closed' },
  closed: { zh: '已结案', en: 'closed' },
  merged: { zh: '已并入', en: 'merged' },
}
export const missedWords = (state: IncidentState): Text => ({
  zh: `超时：${STATE_NAMES[state].zh}`,
  en: `Deadline passed: ${STATE_NAMES[state].en}`,
})

const EVENT_NAMES: Record<AnyEvent, Text> = {
  opened: { zh: '新警情', en: 'opened' },
  confirmed: { zh: '火灾确认', en: 'confirmed' },
  severity: { zh: '等级上升', en: 'level rose' },
  closed: { zh: '警情结束', en: 'closed' },
  're-opened': { zh: '警情重开', en: 're-opened' },
  merged: { zh: '警情并入', en: 'merged' },
  escalated: { zh: '超时上报', en: 'went up the chain' },
  handover: { zh: '119 移交', en: 'hand-over to 119' },
  order: { zh: '出动任务', en: 'order' },
  'order-ended': { zh: '任务取消', en: 'order over' },
}

/** One line on the crew's terminal. */
export const orderNoticeWords = (event: OrderNotice, title: Text): Text =>
  event === 'order'
    ? { zh: `出动任务，请应答：${title.zh}`, en: `Order, please answer: ${title.en}` }
    : { zh: `任务取消：${title.zh}`, en: `Order over, stand down: ${title.en}` }

export const notifiedWords = (delivered: boolean, channel: string, event: AnyEvent): Text => {
  const { zh, en } = EVENT_NAMES[event]
  return delivered
    ? { zh: `已通知 ${channel}：${zh}`, en: `Told ${channel}: ${en}` }
    : { zh: `未能通知 ${channel}：${zh}`, en: `Could not tell ${channel}: ${en}` }
}

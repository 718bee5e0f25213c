// Why a resource is or is not sent, in Chinese and in English. Words only, no decisions.
import type { Capability, Reason, ReasonCode } from '#contracts/resource.ts'

const WORDS: Record<ReasonCode, { zh: string; en: string }> = {
  'has-order': { zh: '正在执行任务 {what}', en: 'has order {what}' },
  responding: { zh: '终端报告正在出动', en: 'its terminal says it is responding' },
  'off-duty': { zh: '当前无人值班（值班表）', en: 'nobody is on duty by the roster' },
  'crew-short': { zh: '在岗 {what}', en: 'crew on duty {what}' },
  'no-crew': { zh: '在岗人数为零', en: 'no crew on duty' },
  'never-heard': { zh: '从未收到其消息', en: 'never heard' },
  silent: { zh: '已 {what} 没有消息', en: 'silent for {what}' },
  offline: { zh: '终端离线', en: 'its terminal is offline' },
  'says-not-ready': { zh: '自报未就绪（{what}）', en: 'says itself it is not ready ({what})' },
  'out-of-service': { zh: '停用：{what}', en: 'out of service: {what}' },
  'battery-low': { zh: '电量 {what}', en: 'battery at {what}' },
  'in-flight': { zh: '正在飞行任务中（{what}）', en: 'is flying ({what})' },
  'no-position': { zh: '位置未知', en: 'its position is not known' },
  'out-of-reach': { zh: '超出范围，相距 {what}', en: 'out of reach, {what} away' },
  'no-capability': { zh: '不具备所需能力：{what}', en: 'has none of what is needed: {what}' },
  'place-unknown': { zh: '警情位置未知，按网格和街道排序', en: 'where the incident is is not known: its grid and area come first' },
  'own-area': { zh: '本责任区', en: 'its own area' },
  soonest: { zh: '预计 {what} 到场，综合最优', en: 'there in {what}: best of all' },
  slower: { zh: '预计 {what} 到场，较慢', en: 'there in {what}: later' },
  degraded: { zh: '就绪但有缺陷（{what}）', en: 'ready, with defects ({what})' },
  'less-capable': { zh: '缺少能力：{what}', en: 'lacks {what}' },
  'leaves-gap': { zh: '调走后其辖区多等 {what}', en: 'its own area would wait {what} longer' },
  'refused-before': { zh: '已拒绝过本警情', en: 'has refused this incident' },
  'silent-before': { zh: '本警情未应答', en: 'did not answer for this incident' },
  reckoned: { zh: '{what}，时间为估算', en: '{what}: reckoned without it' },
  'same-time': { zh: '与首选到场时间区间重叠', en: 'its interval overlaps the first one’s' },
}

export const reason = (code: ReasonCode, zh = '', en = zh): Reason => ({
  code,
  text: { zh: WORDS[code].zh.replace('{what}', zh), en: WORDS[code].en.replace('{what}', en) },
})

const CAPABILITY_NAMES: Record<Capability, { zh: string; en: string }> = {
  extinguish: { zh: '灭火', en: 'extinguishing' },
  'breathing-apparatus': { zh: '空气呼吸器', en: 'breathing apparatus' },
  rescue: { zh: '救援', en: 'rescue' },
  evacuate: { zh: '疏散', en: 'evacuation' },
  inspect: { zh: '现场查看', en: 'inspection' },
  observe: { zh: '视频', en: 'video' },
  thermal: { zh: '热成像', en: 'thermal camera' },
}
export const capabilityWords = (all: readonly Capability[]): { zh: string; en: string } => ({
  zh: all.map(one => CAPABILITY_NAMES[one].zh).join('、'),
  en: all.map(one => CAPABILITY_NAMES[one].en).join(', '),
})

/** 45 s, 3 min, 2 h, 3 d */
export const durationWords = (seconds: number): { zh: string; en: string } => {
  const s = Math.max(0, Math.round(seconds))
  if (s < 90) return { zh: `${s} 秒`, en: `${s} s` }
  if (s < 5_400) return { zh: `${Math.round(s / 60)} 分钟`, en: `${Math.round(s / 60)} min` }
  if (s < 172_800) return { zh: `${Math.round(s / 3600)} 小时`, en: `${Math.round(s / 3600)} h` }
  return { zh: `${Math.round(s / 86_400)} 天`, en: `${Math.round(s / 86_400)} d` }
}

export const distanceWords = (metres: number): string => (metres < 950 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`)

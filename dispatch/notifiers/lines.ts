// The words of a notification for people: a few lines for chat rooms and mail, one line for a text message. Plain text everywhere, so
// that nothing in a place name or a note can become markup on the other side.
import type { Notification } from './notifier.ts'

export type Lang = 'zh' | 'en'

const LEVELS = ['', 'I', 'II', 'III', 'IV'] as const
const LABELS = {
  zh: { id: '警情', level: '等级', opened: '时间', where: '位置', alarms: '活动报警' },
  en: { id: 'Incident', level: 'Level', opened: 'Since', where: 'Position', alarms: 'Active alarms' },
}

/** Control characters, line breaks included, have no place in one line. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()

/** At most `max` characters, the last of them an ellipsis where it was longer; never half a character. */
export const clipped = (text: string, max: number): string => {
  const characters = Array.from(text)
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`
}

export const levelOf = (n: Notification): string => LEVELS[n.incident.severity] ?? String(n.incident.severity)

/** What happened, then what is known of it, a line each. */
export const linesOf = (n: Notification, lang: Lang): string => {
  const label = LABELS[lang]
  const { incident } = n
  const position = incident.position === undefined ? [] : [`${label.where}: ${incident.position.lat}, ${incident.position.lon}`]
  return [
    oneLine(n.text[lang]),
    `${label.id}: ${incident.id}  ${label.level}: ${levelOf(n)}`,
    `${label.opened}: ${incident.openedAt}`,
    ...position,
    `${label.alarms}: ${incident.activeAlarms}`,
  ].join('\n')
}

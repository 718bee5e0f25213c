// Troubles of the system itself become alarms in the queue, where people look, and not only lines of a log. Core raises them out of the
// room lines it watches every second, so none depends on the part that fails; what it cannot know (a silent room) it leaves as it was.
import type { Severity, Text } from '#contracts/alarm.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { RoomHealth, Trouble } from '#contracts/live.ts'

/** true = it stands, false = it does not, undefined = cannot be known now */
type Holds = (line: RoomHealth) => boolean | undefined
export type Condition = {
  name: string
  /** every one of them that is there is asked; the first that says true is quoted */
  rooms: readonly string[]
  holds: Holds
  /** how long it must stand without a break */
  afterMs: number
  severity: Severity
  text: Text
}

const says = (line: RoomHealth, trouble: Trouble): boolean => line.troubles?.includes(trouble) === true
const isSilent: Holds = line => says(line, 'silent')
const known =
  (holds: (line: RoomHealth) => boolean): Holds =>
  line =>
    says(line, 'silent') ? undefined : holds(line)

const MINUTE_MS = 60_000

/** The whole list; docs/accounting.md shows it, a test holds the two together. */
export const CONDITIONS: readonly Condition[] = [
  {
    name: 'journal',
    rooms: ['journal'],
    holds: known(line => !line.ok && !says(line, 'disk-reserve')),
    afterMs: 5_000,
    severity: 2,
    text: { zh: '消息日志无法写入，设备得不到确认', en: 'The journal does not write: devices are not acknowledged' },
  },
  {
    name: 'disk-reserve',
    rooms: ['journal'],
    holds: known(line => says(line, 'disk-reserve')),
    afterMs: 5_000,
    severity: 2,
    text: {
      zh: '磁盘空间低于保留值，只接收可能含报警的消息',
      en: 'The disk is below its reserve: only what may carry an alarm is accepted',
    },
  },
  {
    name: 'door-silent',
    rooms: ['journal'],
    holds: isSilent,
    afterMs: 30_000,
    severity: 2,
    text: { zh: '接入进程无响应，设备无法上报', en: 'The door does not answer: no device can report' },
  },
  {
    name: 'rules-late',
    rooms: ['rules'],
    holds: known(line => says(line, 'late')),
    afterMs: 10_000,
    severity: 1,
    text: { zh: '报警判断停止或滞后，新报警不能按时出现', en: 'The rules stand still or are late: new alarms do not appear in time' },
  },
  {
    name: 'rule-off',
    rooms: ['rules'],
    holds: known(line => says(line, 'rule-off')),
    afterMs: 0,
    severity: 1,
    text: { zh: '有规则出错已停用，其负责的报警不会出现', en: 'A rule broke and is off: the alarms it stands for do not appear' },
  },
  {
    name: 'store-silent',
    rooms: ['ingest'],
    holds: isSilent,
    afterMs: MINUTE_MS,
    severity: 3,
    text: { zh: '存储进程无响应，历史数据延迟，报警不受影响', en: 'The store process does not answer: history is late, alarms are not' },
  },
  {
    name: 'store-failing',
    rooms: ['ingest'],
    holds: known(line => says(line, 'failing')),
    afterMs: MINUTE_MS,
    severity: 3,
    text: { zh: '读数无法写入存储，历史数据延迟，报警不受影响', en: 'Readings cannot be stored: history is late, alarms are not' },
  },
  {
    name: 'store-set-aside',
    rooms: ['ingest'],
    holds: known(line => says(line, 'set-aside')),
    afterMs: 0,
    severity: 3,
    text: { zh: '读数存储损坏已移开，正由消息日志重建', en: 'The reading store was set aside and is filled again out of the journal' },
  },
  {
    name: 'passed-over',
    rooms: ['rules', 'ingest'],
    holds: known(line => says(line, 'passed-over')),
    afterMs: 0,
    severity: 2,
    text: { zh: '消息日志有损坏，部分消息无法读取', en: 'The journal is damaged: some messages could not be read' },
  },
  {
    name: 'tail-lost',
    rooms: ['journal'],
    holds: known(line => says(line, 'tail-lost')),
    afterMs: 0,
    severity: 2,
    text: { zh: '消息日志末尾丢失，部分已确认的消息不在了', en: 'The journal lost its tail: some acknowledged messages are gone' },
  },
  {
    name: 'dispatch-stuck',
    rooms: ['dispatch'],
    holds: known(line => says(line, 'stuck')),
    afterMs: 0,
    severity: 2,
    text: { zh: '处置队列中有事项停滞，无人推进', en: 'Something in the dispatch queue is stuck: nothing moves it any more' },
  },
  {
    name: 'notify-failing',
    rooms: ['notify'],
    holds: known(line => says(line, 'failing')),
    afterMs: 0,
    severity: 2,
    text: { zh: '通知渠道全部发送失败，外部无法获知火情', en: 'A channel fails at every sending: nobody is told over it' },
  },
  {
    name: 'canary',
    rooms: ['canary'],
    holds: known(line => says(line, 'late')),
    afterMs: 0,
    severity: 1,
    text: { zh: '报警通道自检未到达：新报警可能不能按时出现', en: 'The canary did not arrive: new alarms may not appear in time' },
  },
  {
    name: 'unbalanced',
    rooms: ['accounting'],
    holds: line => (line.ok ? false : says(line, 'unbalanced') || undefined),
    afterMs: 10_000,
    severity: 2,
    text: { zh: '消息账目不平', en: 'The account of messages does not add up' },
  },
]

type Desk<Changes> = {
  raiseSelf(alarm: { condition: string; severity: Severity; text: Text }): Changes
  clearSelf(condition: string): Changes
}
export type HealthAlarmsParts<Changes> = {
  lines(): RoomHealth[]
  desk: Desk<Changes>
  changed(changes: Changes): void
  clock: Clock
  log: Log
  conditions?: readonly Condition[]
}

export type HealthAlarms = { look(): void; close(): void }

const EVERY_MS = 1000
/** a condition that is gone for less than this is not over: no alarm comes and goes with every try of a disk */
export const OVER_AFTER_MS = 10_000
const DETAIL_CHARACTERS_MAX = 300

/** `sinceMs`: since when it has said what it says now; `told`: what the queue was told last, undefined before the first time */
type State = { says?: boolean; sinceMs: number; told?: boolean; problem?: string }

export function startHealthAlarms<Changes>(parts: HealthAlarmsParts<Changes>): HealthAlarms {
  const { desk, clock, log } = parts
  const conditions = parts.conditions ?? CONDITIONS
  const states = new Map<string, State>(conditions.map(({ name }) => [name, { sinceMs: 0 }]))

  function look(): void {
    const lines = parts.lines()
    for (const condition of conditions) follow(condition, lines)
  }

  function follow(condition: Condition, lines: RoomHealth[]): void {
    const state = states.get(condition.name)
    if (state === undefined) return
    // a clock that was set back makes nothing wait for longer than its time
    state.sinceMs = Math.min(state.sinceMs, clock.nowMs())
    const asked = lines.filter(({ room }) => condition.rooms.includes(room)).map(line => ({ line, holds: condition.holds(line) }))
    const standing = asked.find(({ holds }) => holds === true)?.line
    if (standing === undefined && (asked.length === 0 || asked.some(({ holds }) => holds === undefined)))
      return void (state.sinceMs = clock.nowMs())
    const isStanding = standing !== undefined
    if (state.says !== isStanding) Object.assign(state, { says: isStanding, sinceMs: clock.nowMs() })
    if (state.told === isStanding || clock.nowMs() - state.sinceMs < (isStanding ? condition.afterMs : OVER_AFTER_MS)) return
    tell(condition, standing, state)
  }

  function tell(condition: Condition, standing: RoomHealth | undefined, state: State): void {
    try {
      parts.changed(standing === undefined ? desk.clearSelf(condition.name) : desk.raiseSelf(alarmOf(condition, standing)))
      state.told = standing !== undefined
      delete state.problem
    } catch (error) {
      // the queue cannot be written: tried again at the next look, and said once
      const { message } = error as Error
      if (message !== state.problem)
        log.error({ err: error, condition: condition.name }, 'an alarm of the system about itself could not be told')
      state.problem = message
    }
  }

  const timer = setInterval(look, EVERY_MS)
  return { look, close: () => clearInterval(timer) }
}

/** A store that was begun anew is in trouble until it holds what the journal held at the first look; said at least once. */
export function refilling(notice: string | undefined): (position: number, head: number) => Trouble[] {
  let until: number | undefined
  return (position, head) => {
    if (notice === undefined) return []
    const isFirst = until === undefined
    until ??= head
    return isFirst || position < until ? ['set-aside'] : []
  }
}

function alarmOf({ name, severity, text }: Condition, { detail }: RoomHealth) {
  const quoted = detail.slice(0, DETAIL_CHARACTERS_MAX)
  return { condition: name, severity, text: { zh: `${text.zh}（${quoted}）`, en: `${text.en} (${quoted})` } }
}

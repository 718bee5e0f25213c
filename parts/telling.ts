// Wires how people outside are told: the notify file, its channels, the broker for those that are devices, and the acknowledgements that
// come back through the journal. Devices are heard on the alarm path, so an answer is not lost while this process is down.
import type { Clock, Log } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Ack } from '../dispatch/acks.ts'
import type { Dispatch } from '../dispatch/index.ts'
import type { Notify } from '../dispatch/notify.ts'
import type { Settings } from '../settings.ts'

export type TellingParts = { clock: Clock; log: Log; meter: Meter; publish(topic: string, payload: string): Promise<void> }
type Answers = { heard(ack: Ack): boolean; vendorAckOf(message: Message): Ack | null }
type Changes = ReturnType<Dispatch['tick']>

/** answers that our own database did not take; they are heard again at the next tick */
const UNHEARD_MAX = 1_000

export async function openTelling(settings: Settings, parts: TellingParts) {
  const { ackOf, createAckBoard } = await import('../dispatch/acks.ts')
  const { openNotifiers } = await import('../dispatch/notifiers/index.ts')
  const { openMqtt } = await import('../dispatch/notifiers/mqtt.ts')
  const { ORDER_CHANNEL } = await import('../dispatch/order-notices.ts')
  const { readNotifyFile } = await import('../dispatch/notify-file.ts')
  const { startNotify } = await import('../dispatch/notify.ts')
  const { clock, log, meter, publish } = parts
  const board = createAckBoard()
  const setup = settings.notifyFile === null ? null : readNotifyFile(settings.notifyFile, process.env)
  const everything = openNotifiers(settings.webhook ? { webhook: settings.webhook } : {}, { clock })
  let desk: Dispatch | null = null
  let notify: Notify | null = null
  const channels = setup?.open({
    clock,
    publish,
    acknowledged: board.acknowledged,
    messageOf: n => desk?.cap.xml(n.id.split('@', 1)[0] ?? n.id),
  })
  const outside = [...everything, ...(channels ?? [])]
  // the crew's own terminal, whoever else is told
  const notifiers = [...outside, openMqtt({ name: ORDER_CHANNEL }, { clock, publish, acknowledged: board.acknowledged })]
  const unheard: Ack[] = []
  let changed: (changes: Changes) => void = () => {}
  let commanded: Answers = { heard: () => false, vendorAckOf: () => null }

  function hear(ack: Ack): void {
    try {
      const made = desk?.outbox.heard(ack) ?? false
      if (made !== false) changed(made)
      else commanded.heard(ack)
    } catch (error) {
      if (unheard.length < UNHEARD_MAX) unheard.push(ack)
      log.error({ err: error, id: ack.id }, 'an acknowledgement could not be written down; it is tried again')
    }
  }

  return {
    outside: {
      channels: everything.map(n => n.name),
      recipients: setup?.recipients ?? [],
      ...(setup?.capSender && { capSender: setup.capSender }),
    },
    start(dispatch: Dispatch, onChange: (changes: Changes) => void): Notify {
      desk = dispatch
      changed = onChange
      return (notify = startNotify({ dispatch: dispatch.outbox, notifiers, clock, log, meter }))
    },
    /** who else is answered: commands to devices */
    answer: (answers: Answers): void => void (commanded = answers),
    /** every message of the alarm path passes here, before it is decoded */
    listen(message: Message): void {
      const ack = ackOf(message.topic, message.payload) ?? commanded.vendorAckOf(message)
      if (ack === null) return
      board.hear(ack)
      hear(ack)
    },
    /** What time alone changes; called a few times a second. */
    tick(nowMs: number): void {
      for (const ack of unheard.splice(0)) hear(ack)
      if (desk?.outbox.climb(nowMs) === true) notify?.wake()
    },
    isSetUp: outside.length > 0,
  }
}
export type Telling = Awaited<ReturnType<typeof openTelling>>

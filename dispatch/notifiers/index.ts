// All notifiers, listed by hand: few, and each decides whether somebody outside hears of a fire. What is not set is not opened.
import type { Clock } from '#contracts/clock.ts'
import type { Notifier } from './notifier.ts'
import { openWebhook, type WebhookOptions } from './webhook.ts'

export type { Notification, Notifier, Outcome } from './notifier.ts'

export type NotifierSettings = { webhook?: WebhookOptions }

/** @throws FengsuiError setting-invalid */
export const openNotifiers = (o: NotifierSettings, deps: { clock: Clock }): Notifier[] =>
  o.webhook === undefined ? [] : [openWebhook(o.webhook, deps)]

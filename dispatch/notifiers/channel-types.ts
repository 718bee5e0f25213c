// Every type of channel that a notify file may name: what it takes, whether it needs an address of the recipient, and how it is opened.
// Listed by hand: few, and each decides whether somebody outside hears of a fire.
import type { Clock } from '#contracts/clock.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import { openCapPush, type CapPushOptions, type CapPushParts } from './cap-push.ts'
import { openDingtalk, type DingtalkOptions } from './dingtalk.ts'
import { isMailAddress, openEmail, type EmailOptions } from './email.ts'
import { openFeishu, type FeishuOptions } from './feishu.ts'
import { openMqtt, type MqttOptions, type MqttParts } from './mqtt.ts'
import type { Notifier } from './notifier.ts'
import { isTelephone, openSms, type SmsOptions } from './sms.ts'
import { openSmsAliyun, type SmsAliyunOptions } from './sms-aliyun.ts'
import { openWebhook, type WebhookOptions } from './webhook.ts'
import { openWecom, type WecomOptions } from './wecom.ts'

export type ChannelParts = { clock: Clock } & Omit<MqttParts, 'clock'> & Pick<CapPushParts, 'messageOf'>

type Fields = Record<string, object>
type Options = { name: string } & Record<string, unknown>
export type ChannelType = {
  required: Fields
  optional: Fields
  /** what the recipient's address is called in an error; null = the channel has one receiver */
  address: { what: string; fits(to: string): boolean } | null
  /** `options` have been held against the schema above */
  open(options: Options, parts: ChannelParts): Notifier
}

const text = { type: 'string', minLength: 1 } as const
/** `env`: a variable of the environment; `file`: a file that holds nothing else */
export const reference = {
  type: 'object',
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
  properties: { env: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }, file: text },
} as const
const textOrReference = { anyOf: [text, reference] }
const lang = { enum: ['zh', 'en'] }
const timeoutMs = { type: 'integer', minimum: 100, maximum: 30_000 }
const robot = { required: { url: reference }, optional: { lang, timeoutMs }, address: null }
const signedRobot = { ...robot, required: { url: reference, secret: reference } }
const telephone = { what: 'a telephone number', fits: isTelephone }

export const CHANNEL_TYPES: Readonly<Record<string, ChannelType>> = {
  webhook: {
    required: { url: textOrReference, secret: reference },
    optional: { timeoutMs },
    address: null,
    open: (o, { clock }) => openWebhook(o as WebhookOptions, { clock }),
  },
  mqtt: {
    required: {},
    optional: { kind: { enum: DEVICE_KINDS }, ackTimeoutMs: { type: 'integer', minimum: 1000, maximum: 25_000 } },
    address: { what: 'the id of a device', fits: to => DEVICE_ID.test(to) },
    open: (o, { clock, publish, acknowledged }) => openMqtt(o as MqttOptions, { clock, publish, acknowledged }),
  },
  sms: {
    required: { url: textOrReference, fields: { type: 'object', minProperties: 1, maxProperties: 20, additionalProperties: text } },
    optional: {
      token: reference,
      format: { enum: ['json', 'form'] },
      accepted: {
        type: 'object',
        required: ['field', 'value'],
        additionalProperties: false,
        properties: { field: text, value: { type: ['string', 'number', 'boolean'] } },
      },
      lang,
      timeoutMs,
    },
    address: telephone,
    open: (o, { clock }) => openSms(o as SmsOptions, { clock }),
  },
  'sms-aliyun': {
    required: { accessKeyId: textOrReference, accessKeySecret: reference, signName: text, templateCode: text },
    optional: {
      url: textOrReference,
      variables: {
        type: 'object',
        minProperties: 1,
        maxProperties: 10,
        additionalProperties: { enum: ['text', 'level', 'place', 'time', 'id'] },
      },
      lang,
      timeoutMs,
    },
    address: telephone,
    open: (o, { clock }) => openSmsAliyun(o as SmsAliyunOptions, { clock }),
  },
  wecom: { ...robot, open: (o, { clock }) => openWecom(o as WecomOptions, { clock }) },
  dingtalk: { ...signedRobot, open: (o, { clock }) => openDingtalk(o as DingtalkOptions, { clock }) },
  feishu: { ...signedRobot, open: (o, { clock }) => openFeishu(o as FeishuOptions, { clock }) },
  email: {
    required: {
      host: text,
      port: { type: 'integer', minimum: 1, maximum: 65_535 },
      security: { enum: ['tls', 'starttls', 'none'] },
      from: text,
    },
    optional: { user: textOrReference, password: reference, ca: reference, timeoutMs },
    address: { what: 'a mail address', fits: isMailAddress },
    open: o => openEmail(o as EmailOptions),
  },
  cap: {
    required: { url: textOrReference },
    optional: { token: reference, timeoutMs },
    address: null,
    open: (o, { clock, messageOf }) => openCapPush(o as CapPushOptions, { clock, messageOf }),
  },
}

// The notify file: what it may say, and that everything wrong is told at once with line and path, and never with a secret.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CHANNEL_TYPES } from '../../dispatch/notifiers/channel-types.ts'
import { parseNotifyFile, readNotifyFile } from '../../dispatch/notify-file.ts'
import { codeOf, NIGHT_MS } from './desk.ts'
import { SECRET } from './notifier-conformance.ts'

const parts = {
  clock: { nowMs: () => NIGHT_MS },
  publish: async () => {},
  acknowledged: async () => true,
  messageOf: () => undefined,
}
const problemsOf = (text: string, environment: Record<string, string> = {}): string[] => {
  try {
    parseNotifyFile(text, 'notify.yaml', environment).open(parts)
    return []
  } catch (error) {
    return (error as Error).message.split('\n')
  }
}
const HEAD = 'channels:\n  sms: {type: sms, url: "http://127.0.0.1/", fields: {to: "{to}", text: "{text}"}}\nrecipients:\n'

describe('the notify file', () => {
  it('that docs/notify.md shows is sound, and opens every channel it names', () => {
    const doc = readFileSync(join(import.meta.dirname, '../../docs/notify.md'), 'utf8')
    const example = /```yaml\n([^]*?)\n```/.exec(doc)?.[1] ?? ''
    const environment = Object.fromEntries([...example.matchAll(/env: ([A-Z_]+)/g)].map(m => [m[1]!, `http://127.0.0.1/${SECRET}`]))
    const dir = mkdtempSync(join(tmpdir(), 'notify-'))
    for (const [, file] of example.matchAll(/file: ([a-z./-]+)/g)) writeFileSync(join(dir, file!), `${SECRET}\n`)
    const setup = parseNotifyFile(example, join(dir, 'notify.yaml'), environment)
    const names = setup.open(parts).map(n => n.name)
    rmSync(dir, { recursive: true })
    expect(new Set([...example.matchAll(/type: ([a-z-]+)/g)].map(m => m[1]))).toEqual(new Set(Object.keys(CHANNEL_TYPES)))
    expect(names.length).toBe(Object.keys(CHANNEL_TYPES).length)
    expect(setup.recipients.length).toBeGreaterThan(1)
    expect(setup.recipients[0]!.ladder[0].waitS).toBeGreaterThan(0)
  })

  it('says everything that is wrong, with line and path', () => {
    const text = [
      'channels:',
      '  room: {type: wecom, url: "https://qyapi.weixin.qq.com/key"}',
      '  pager: {type: pager}',
      'recipients:',
      '  - name: Captain',
      '    ladder: []',
      '  - name: chen',
      '    level: [1]',
      '    quiet: {from: "25:00", to: "07:00"}',
      '    ladder: [{channel: room, wait: 3}]',
    ].join('\n')
    const problems = problemsOf(text)
    expect(problems[0]).toBe('the notify file cannot be used:')
    expect(problems.join('\n')).toMatch(/notify\.yaml:3: \/channels\/pager\/type must be one of webhook, mqtt, sms/)
    expect(problems.join('\n')).toMatch(/notify\.yaml:5: \/recipients\/0\/name must match pattern/)
    expect(problems.join('\n')).toMatch(/notify\.yaml:6: \/recipients\/0\/ladder must NOT have fewer than 1 items/)
    expect(problems.join('\n')).toMatch(/notify\.yaml:7: \/recipients\/1 level is not known here; allowed: name, levels/)
    expect(problems.join('\n')).toMatch(/notify\.yaml:9: \/recipients\/1\/quiet\/from/)
  })

  it.each([
    [
      'a secret written in it',
      'channels:\n  room: {type: feishu, url: "https://open.feishu.cn/hook/abc", secret: a-plain-secret}\nrecipients: []',
      /notify\.yaml:2: \/channels\/room\/url must be \{env: NAME\} or \{file: PATH\}/,
    ],
    [
      'a channel that is not there',
      `${HEAD}  - {name: chen, ladder: [{channel: fax}]}`,
      /notify\.yaml:4: \/recipients\/0\/ladder\/0 channel fax does not exist; there are: sms/,
    ],
    ['no number to send to', `${HEAD}  - {name: chen, ladder: [{channel: sms}]}`, /to is missing: a telephone number/],
    ['a number that is none', `${HEAD}  - {name: chen, ladder: [{channel: sms, to: "call me"}]}`, /to is not a telephone number/],
    ['a channel twice', `${HEAD}  - {name: chen, ladder: [{channel: sms, to: "138"}, {channel: sms, to: "139"}]}`, /sms stands twice/],
    [
      'a name twice',
      `${HEAD}  - {name: chen, ladder: [{channel: sms, to: "138"}]}\n  - {name: chen, ladder: [{channel: sms, to: "138"}]}`,
      /two recipients are called chen/,
    ],
    ['no YAML', 'channels: [', /notify\.yaml:1: not valid YAML or JSON/],
    ['nothing', '', /channels is missing/],
  ])('refuses %s', (_what, text, message) => {
    const problems = problemsOf(text).join('\n')
    expect(problems).toMatch(message)
    expect(problems).not.toMatch(/a-plain-secret|hook\/abc/)
  })

  it('takes secrets from the environment and from files, and never repeats one', () => {
    const text = 'channels:\n  room: {type: webhook, url: {env: HOOK}, secret: {file: nowhere.secret}}\nrecipients: []'
    expect(problemsOf(text).join()).toBe('notify.yaml:2: channel room, url: the environment has no HOOK')
    expect(problemsOf(text, { HOOK: 'http://127.0.0.1/' }).join()).toBe(
      'notify.yaml:2: channel room, secret: nowhere.secret cannot be read (ENOENT)',
    )
    const short = problemsOf('channels:\n  room: {type: webhook, url: {env: HOOK}, secret: {env: KEY}}\nrecipients: []', {
      HOOK: `ftp://${SECRET}`,
      KEY: 'tooshort',
    })
    expect(short.join()).not.toMatch(new RegExp(`tooshort|${SECRET}`))
    expect(short.join()).toContain('is not an http: or https: URL')
  })

  it('that is not there stops the start', () => expect(codeOf(() => readNotifyFile('/nowhere/notify.yaml', {}))).toBe('setting-invalid'))
})

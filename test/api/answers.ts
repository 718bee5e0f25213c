// What the API answers, as tests read it, and the check that every JSON answer is what openapi.json promises.
import { Ajv } from 'ajv'
import type { CameraBeside } from '#contracts/video.ts'
import type { Alarm } from '#contracts/alarm.ts'
import type { Command } from '#contracts/command.ts'
import type { Device } from '#contracts/device.ts'
import type { Incident, IncidentDetail } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import type { Reading } from '#contracts/reading.ts'
import type { Session } from '../../dashboard/api/accounts.ts'
import type { ErrorBody } from '../../dashboard/api/errors.ts'
import { isTime } from '../../dashboard/api/schema.ts'

/** every field that some answer has; a test reads those of its own */
export type Body = ErrorBody &
  Session &
  IncidentDetail & {
    alarm: Alarm
    incident: Incident
    status: string
    alarms: QueueAlarm[]
    incidents: Incident[]
    device: Device & { condition: string }
    devices: (Device & { condition: string; deviceId: string; credentials: { username: string; password: string } })[]
    credentials: { username: string; password: string }
    entries: (QuarantineEntry & { actor: string; action: string; subject: string; seq: number; detail?: unknown })[]
    total: number
    redriven: string[]
    next: string
    cameras: CameraBeside[]
    series: { metric: string; points: [number, number][] }[]
    cursor: number
    head: number
    readings: (Reading & { off: number })[]
    topic: string
    command: string
    deviceId: string
    incidentId: string
    answer: { status: string }
    commands: Command[]
    paths: Record<string, Record<string, Operation>>
    condition: string
    place: { room?: string }
    payloadBase64: string
    rows: number
    problems: { line: number; column?: string; message: string }[]
    claims: { deviceId: string; code: string; expiresAt: string }[]
    neverHeard: string[]
    byGateway: object[]
    expected: number
    password: string
    disabled: boolean
    users: { username: string; role: string; disabled: boolean }[]
  }
export type Operation = {
  description?: string
  security?: object[]
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}
export type Answer = { status: number; body: Body; text: string; headers: Headers }
/** Fails when a JSON answer is not what openapi.json says that route answers with that status. */
export async function answerChecker(url: string): Promise<(method: string, path: string, answer: Answer) => void> {
  const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as Pick<Body, 'paths'>
  const ajv = new Ajv({ strict: false, validateSchema: false })
  ajv.addFormat('date-time', isTime)
  ajv.addSchema(document, 'doc')
  const templates = Object.keys(document.paths).map(path => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }))
  return (method, path, answer) => {
    const bare = path.split('?', 1)[0] ?? path
    const template = templates.find(t => t.path === bare) ?? templates.find(t => t.pattern.test(bare))
    const operation = template === undefined ? undefined : document.paths[template.path]?.[method.toLowerCase()]
    if (template === undefined || operation === undefined || answer.body === null) return
    const status = operation.responses[answer.status] ? String(answer.status) : `${String(answer.status)[0]}XX`
    const media = operation.responses[status]?.content?.['application/json']
    if (media === undefined) throw new Error(`${method} ${bare} answered ${answer.status}, which openapi.json does not list`)
    const pointer = ['paths', template.path, method.toLowerCase(), 'responses', status, 'content', 'application/json', 'schema']
    const validate = ajv.compile({
      $ref: `doc#/${pointer.map(part => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`,
    })
    if (!validate(answer.body)) {
      throw new Error(
        `${method} ${bare} ${answer.status} is not as openapi.json says: ${ajv.errorsText(validate.errors)}\n${answer.text.slice(0, 500)}`,
      )
    }
  }
}

// The rules follow the posture: in an emergency the parameters that the dispatch plan names take the place of the set's own, in peacetime the
// set is put back as it was. The set of peacetime is kept in the queue's database, so a crash in between is made good at the next start.
import { parseDocument, isSeq, isMap } from 'yaml'
import type { Log } from '#contracts/clock.ts'
import type { Posture } from '#contracts/posture.ts'
import type { Dispatch } from '../dispatch/index.ts'

type Files = Record<string, string>
type Rules = {
  get(): { version: string; files?: Files }
  replace(o: { files: Files; by: string; ifVersion?: string }): Promise<{ version: string }>
}
type Overlay = Record<string, Record<string, unknown>>
/** `emergency`: the version that was put in its place; empty until it is in force */
type Kept = { files: Files; emergency: string }

const ROOM = 'posture-rules'
const BY = 'system:posture'

/** The files with other parameters for the named rules; `unknown`: ids that no file has. Comments and order stay. */
export function withParameters(files: Files, overlay: Overlay): { files: Files; unknown: string[] } {
  const unknown = new Set(Object.keys(overlay))
  const changed = Object.entries(files).map(([name, text]): [string, string] => {
    const doc = parseDocument(text)
    if (!isSeq(doc.contents)) return [name, text]
    let touched = false
    for (const [i, rule] of doc.contents.items.entries()) {
      const id = isMap(rule) ? rule.get('id') : undefined
      const parameters = typeof id === 'string' ? overlay[id] : undefined
      if (typeof id !== 'string' || parameters === undefined) continue
      unknown.delete(id)
      touched = true
      for (const [key, value] of Object.entries(parameters)) doc.setIn([i, 'parameters', key], value)
    }
    return [name, touched ? doc.toString({ lineWidth: 0 }) : text]
  })
  return { files: Object.fromEntries(changed), unknown: [...unknown] }
}

export type PostureRules = { now(): Posture; follow(): Promise<void>; problem(): string | null }

export function followPosture(o: { dispatch: Dispatch; rules: Rules; overlay: Overlay; log: Log }): PostureRules {
  const { dispatch, rules, overlay, log } = o
  let status: Posture['rules']
  let turn: Promise<void> = Promise.resolve()

  const kept = (): Kept | undefined => {
    const json = new Map(dispatch.rows(ROOM)).get('kept')
    return json === undefined ? undefined : (JSON.parse(json) as Kept)
  }
  const keep = (value: Kept | null): void =>
    void dispatch.commit({
      position: dispatch.position(),
      signals: [],
      rows: [{ room: ROOM, rows: [['kept', value === null ? null : JSON.stringify(value)]] }],
    })

  async function toEmergency(): Promise<void> {
    const before = kept()
    const { version, files = {} } = rules.get()
    if (before !== undefined && before.emergency === version) return void (status = { ok: true, detail: 'emergency parameters in force' })
    const base = before !== undefined && before.emergency === '' ? before.files : files
    const next = withParameters(base, overlay)
    keep({ files: base, emergency: '' })
    const made = await rules.replace({ files: next.files, by: BY })
    keep({ files: base, emergency: made.version })
    status =
      next.unknown.length === 0
        ? { ok: true, detail: 'emergency parameters in force' }
        : { ok: false, detail: `in force, but the set has no rule ${next.unknown.join(', ')}` }
  }

  async function toPeacetime(): Promise<void> {
    const before = kept()
    if (before === undefined) return void (status = undefined)
    const isOurs = before.emergency === '' || rules.get().version === before.emergency
    if (isOurs) await rules.replace({ files: before.files, by: BY })
    keep(null)
    status = isOurs ? undefined : { ok: false, detail: 'the rules were changed by hand during the emergency and are left as they are' }
  }

  async function follow(): Promise<void> {
    if (Object.keys(overlay).length === 0) return
    try {
      await (dispatch.posture().mode === 'emergency' ? toEmergency() : toPeacetime())
    } catch (error) {
      // the posture stands; its rules are tried again with the next switch or start, and the posture says so
      status = { ok: false, detail: `the rules could not follow: ${(error as Error).message.slice(0, 300)}` }
      log.error({ err: error }, 'the rules could not follow the posture')
    }
  }

  return {
    now: () => ({ ...dispatch.posture(), ...(status === undefined ? {} : { rules: status }) }),
    follow: () => (turn = turn.then(follow)),
    problem: () => (status === undefined || status.ok ? null : status.detail),
  }
}

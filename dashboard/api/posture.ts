// Peacetime or emergency (平急) over HTTP: how the centre stands, and the one act that changes it.
import { POSTURES, type Posture } from '#contracts/posture.ts'
import { reason, type Changes } from './alarms.ts'
import { callerOf, nameOf } from './auth.ts'
import { answers } from './errors.ts'
import { object, oneOf, ref, type App } from './schema.ts'

export type PostureDesk = {
  posture(): Posture
  setPosture(o: { by: string; mode: string; reason: string }): Changes
}
/** `follow`: what else changes with the posture; answers when it has been tried, and never throws. */
export type PostureParts = {
  desk: PostureDesk
  changed: (c: Partial<Changes> & { posture?: Posture }) => void
  follow?: (() => Promise<void>) | undefined
  now(): Posture
}

export function postureRoutes(app: App, { desk, changed, follow, now }: PostureParts): void {
  app.get('/api/v1/posture', {
    config: { scope: 'read' },
    schema: { summary: 'Peacetime or emergency, since when and by whom', tags: ['desk'], response: answers({ 200: ref('Posture') }) },
    handler: async () => now(),
  })

  app.put('/api/v1/posture', {
    config: { scope: 'incidents:handle' },
    schema: {
      summary: 'Switch between peacetime and emergency: deadlines, escalation and rule parameters follow',
      tags: ['desk'],
      body: object({ mode: oneOf(POSTURES), reason }),
      response: answers({ 200: ref('Posture') }),
    },
    handler: async request => {
      const changes = desk.setPosture({ ...request.body, by: nameOf(callerOf(request)) })
      changed({ ...changes, posture: now() })
      if (follow !== undefined) {
        await follow()
        changed({ posture: now() })
      }
      return now()
    },
  })
}

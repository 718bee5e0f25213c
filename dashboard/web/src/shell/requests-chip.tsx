// How many commands of flows wait for a person, on every page of whoever may answer them; nothing while none waits. A chunk of its own.
import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'

const LOOK_MS = 10_000

export const RequestsChip = ({ store }: { store: Store }) => {
  const [waiting, setWaiting] = useState(0)
  useEffect(() => {
    const look = async (): Promise<void> => {
      if (store.phase.peek() === 'lost') return
      try {
        setWaiting((await store.api.get<{ requests: object[] }>('command-requests?state=waiting&limit=200')).requests.length)
      } catch {
        // the link says by itself that it is broken; the number stays until it is known again
      }
    }
    void look()
    const timer = setInterval(() => void look(), LOOK_MS)
    return () => clearInterval(timer)
  }, [])
  if (waiting === 0) return null
  return (
    <a href="#/requests" class="chip posture late" data-testid="requests-chip">
      {t('nav.requests')} {waiting}
    </a>
  )
}

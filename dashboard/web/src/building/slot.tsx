// Where the building stands in the incident: fetched by itself for a level I, at the press of a button for the others, and never where this
// computer has no WebGL2. The table below shows the same rooms.
import { useEffect, useState } from 'preact/hooks'
import type { Incident } from '#contracts/incident.ts'
import { t } from '../i18n.ts'
import { floorsOf } from '../incident/floors.ts'
import { lazy } from '../lazy.tsx'
import { hasWebgl2 } from '../map/probe.ts'
import type { Store } from '../store.ts'

const BuildingView = lazy(async () => (await import('./view.tsx')).BuildingView)
/** A single floor says nothing that the table does not. */
const FLOORS_MIN = 2
/** Who walks through the queue with a key does not look at each building; making its picture would hold up the next key. */
const REST_MS = 600

export const BuildingSlot = ({ store, incident }: { store: Store; incident: Incident }) => {
  const [wish, setWish] = useState<boolean | null>(null)
  const [can] = useState(hasWebgl2)
  const [rests, setRests] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setRests(true), REST_MS)
    return () => clearTimeout(timer)
  }, [])
  // once a second is soon enough, as for the table
  void store.now.value
  const floors = can ? floorsOf(store.devices.rows, incident, true) : null
  if (floors === null || floors.floors.length < FLOORS_MIN) return null
  const open = wish ?? (incident.severity === 1 && rests)
  return (
    <section class="building-slot">
      {open && <BuildingView floors={floors} onDevice={deviceId => (store.selectedDevice.value = deviceId)} />}
      <button type="button" class="quiet" aria-expanded={open} data-testid="building-toggle" onClick={() => setWish(!open)}>
        {t(open ? 'building.hide' : 'building.show')}
      </button>
    </section>
  )
}

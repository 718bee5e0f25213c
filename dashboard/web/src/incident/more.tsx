// Everything of an incident below its head and its commands, in the order in which it is asked for. A chunk of its own: the place and
// the buttons are there before it.
import type { Incident } from '#contracts/incident.ts'
import { BuildingSlot } from '../building/slot.tsx'
import type { Store } from '../store.ts'
import type { Travel } from '../travel/travel.ts'
import { BesideSlot } from '../video/slot.tsx'
import { Alarms } from './alarms.tsx'
import { Candidates } from './candidates.tsx'
import type { DetailView } from './detail.ts'
import { EvidenceList } from './evidence.tsx'
import { subjectOf } from './history.ts'
import { Ladder } from './ladder.tsx'
import { Latency } from './latency.tsx'
import { Matrix } from './matrix.tsx'
import { Orders } from './orders.tsx'
import { Sparkline } from './sparkline.tsx'
import { Timeline } from './timeline.tsx'

export type MoreProps = { store: Store; incident: Incident; view: DetailView; travel: Travel | null }

export const More = ({ store, incident, view, travel }: MoreProps) => {
  const fetched = view.detail.value
  const detail = fetched?.id === incident.id ? fetched : null
  const alarm = view.alarm.value?.incidentId === incident.id ? view.alarm.value : null
  const subject = alarm === null ? null : subjectOf(alarm)
  return (
    <>
      <BuildingSlot key={incident.id} store={store} incident={incident} />
      <BesideSlot key={`film ${incident.id}`} store={store} incidentId={incident.id} />
      <Matrix store={store} incident={incident} />
      {detail !== null && <Orders store={store} detail={detail} />}
      {detail !== null && <Ladder store={store} detail={detail} />}
      {detail !== null && <Candidates store={store} detail={detail} />}
      {alarm !== null && <EvidenceList store={store} alarm={alarm} />}
      {alarm !== null && subject !== null && (
        <Sparkline key={`${alarm.id} ${subject.deviceId} ${subject.metric}`} store={store} alarm={alarm} subject={subject} />
      )}
      <Alarms incident={incident} view={view} />
      <Latency view={view} />
      {detail !== null && <Timeline detail={detail} store={store} travel={travel} />}
    </>
  )
}

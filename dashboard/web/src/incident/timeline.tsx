// All that happened, oldest first, in the words of the server; what people did is marked apart from what machines did.
import type { IncidentDetail } from '#contracts/incident.ts'
import { dayTime } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import type { Travel } from '../travel/travel.ts'

/** What had happened by then; everything while the desk is live. */
export const until = <T,>(items: readonly T[], atMs: number | undefined, timeOf: (item: T) => string): readonly T[] =>
  atMs === undefined ? items : items.filter(item => Date.parse(timeOf(item)) <= atMs)

export const actorWords = (actor: string): string => {
  const [kind = '', name = ''] = actor.split(':', 2)
  return kind === 'user' ? name : name === '' ? term('source', kind) : `${term('source', kind)} ${name}`
}

const Picture = ({ incidentId, pictureId }: { incidentId: string; pictureId: string }) => {
  const address = `/api/v1/incidents/${encodeURIComponent(incidentId)}/pictures/${encodeURIComponent(pictureId)}`
  return (
    <a href={address} target="_blank" rel="noopener">
      <img src={address} alt={t('timeline.picture-alt')} loading="lazy" />
    </a>
  )
}

/** Without `travel` the film cannot be started from here (wall, phone). */
export const Timeline = ({
  detail,
  store,
  travel,
}: {
  detail: Pick<IncidentDetail, 'id' | 'timeline'>
  store: Store
  travel: Travel | null
}) => (
  <section>
    <h3 class="with-button">
      {t('timeline.title')}
      {travel !== null && (
        <button type="button" class="quiet" data-testid="play-film" onClick={() => void travel.play(detail.id)}>
          {t('film.start')}
        </button>
      )}
    </h3>
    <ol class="timeline" data-testid="timeline">
      {until(detail.timeline, store.past.value?.atMs, entry => entry.at).map((entry, at) => (
        <li key={at} class={entry.actor.startsWith('user:') ? 'human' : 'machine'}>
          <time dateTime={entry.at}>{dayTime(entry.at, store.now.peek())}</time>
          <span class="actor">{actorWords(entry.actor)}</span>
          <span>
            {entry.text === undefined ? term('timeline', entry.what) : say(entry.text)}
            {entry.note !== undefined && <q>{entry.note}</q>}
            {entry.pictureId !== undefined && <Picture incidentId={detail.id} pictureId={entry.pictureId} />}
          </span>
        </li>
      ))}
    </ol>
  </section>
)

// What flows asked devices to do and a person has to answer: what, to which device, why, by which flow and since when. Sent or refused by
// whoever may; a command is never sent from here without a second yes.
import { useState } from 'preact/hooks'
import { mayCommand } from '#contracts/command.ts'
import { REQUEST_STATES, type CommandRequest } from '#contracts/command-request.ts'
import { UNKNOWN, count, dayTime, elapsed } from '../format.ts'
import { t, term } from '../i18n.ts'
import { addressOf } from '../router.ts'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { ExportCsv } from './export.tsx'
import { FormDialog } from './form-parts.tsx'
import { ChoiceField, Filters, ListState, Pager, Table, TextField } from './list-parts.tsx'
import { pagesOf, queryOf, useListing } from './listing.ts'

const REFRESH_MS = 3_000
/** the most that the server answers at once; waiting ones are at most 200 */
const ALL = 500

type Ask = { verb: 'confirm' | 'refuse'; request: CommandRequest } | null

const COLUMNS: Column<CommandRequest>[] = [
  { title: 'id', value: one => one.id },
  { title: 'at', value: one => one.at },
  { title: 'deviceId', value: one => one.deviceId },
  { title: 'command', value: one => one.command },
  { title: 'parameters', value: one => (one.parameters === null ? '' : JSON.stringify(one.parameters)) },
  { title: 'reason', value: one => one.reason },
  { title: 'origin', value: one => one.origin },
  { title: 'state', value: one => one.state },
  { title: 'decidedBy', value: one => one.decidedBy },
]

const parametersOf = ({ parameters }: CommandRequest): string => (parameters === null ? '' : JSON.stringify(parameters))

const Row = ({ request, store, onAsk }: { request: CommandRequest; store: Store; onAsk: (ask: Ask) => void }) => {
  const role = store.principal.value?.role ?? 'viewer'
  const isMine = store.may('alarms:handle')
  return (
    <tr data-testid="request-row" data-request-id={request.id} data-state={request.state}>
      <td class="when">
        {dayTime(request.at, store.now.peek())}
        {request.state === 'waiting' && (
          <span class="late second">{t('requests.waits', { age: elapsed(store.serverNow.value - Date.parse(request.at)) })}</span>
        )}
      </td>
      <td>
        <b>{term('command', request.command)}</b>
        <span class="muted code">
          {request.command} {parametersOf(request)}
        </span>
      </td>
      <td>
        <a href={addressOf('devices', request.deviceId)}>{request.deviceId}</a>
      </td>
      <td class="any">
        {request.reason || UNKNOWN}
        <span class="muted second">{request.origin}</span>
      </td>
      <td>
        {term('request-state', request.state)}
        {request.decidedBy !== null && <span class="muted second">{request.decidedBy}</span>}
      </td>
      <td>
        {request.state === 'waiting' && isMine && (
          <span class="acts">
            <button
              type="button"
              class="primary"
              data-testid="request-confirm"
              disabled={!mayCommand(role, request.command)}
              title={mayCommand(role, request.command) ? '' : t('error.forbidden')}
              onClick={() => onAsk({ verb: 'confirm', request })}
            >
              {t('requests.confirm')}
            </button>
            <button type="button" data-testid="request-refuse" onClick={() => onAsk({ verb: 'refuse', request })}>
              {t('requests.refuse')}
            </button>
          </span>
        )}
      </td>
    </tr>
  )
}

export const RequestsPage = ({ store }: { store: Store }) => {
  const [filter, setFilter] = useState({ state: 'waiting', words: '' })
  const [ask, setAsk] = useState<Ask>(null)
  const fetch = pagesOf(async () => {
    const query = queryOf({ state: filter.state, limit: ALL })
    const { requests } = await store.api.get<{ requests: CommandRequest[] }>(`command-requests?${query}`)
    const words = filter.words.toLowerCase()
    return requests.filter(one => [one.deviceId, one.command, one.origin, one.reason].some(part => part.toLowerCase().includes(words)))
  })
  const listing = useListing({ fetch, asked: JSON.stringify(filter), pageRows: 50, refreshMs: REFRESH_MS })
  const decide = async ({ verb, request }: NonNullable<Ask>): Promise<void> => {
    try {
      await store.api.post(`command-requests/${encodeURIComponent(request.id)}/${verb}`)
      store.toast('good', t(verb === 'confirm' ? 'requests.confirmed' : 'requests.refused'))
    } finally {
      listing.reload()
    }
  }
  return (
    <main class="page" data-testid="requests">
      <h2>{t('requests.title')}</h2>
      <p class="muted">{t('requests.lead')}</p>
      <Filters onReset={() => setFilter({ state: '', words: '' })}>
        <ChoiceField
          label="health.state"
          name="state"
          value={filter.state}
          onChange={state => setFilter({ ...filter, state })}
          options={REQUEST_STATES.map(one => [one, term('request-state', one)])}
        />
        <TextField label="filter.label" name="words" value={filter.words} onChange={words => setFilter({ ...filter, words })} />
        <ExportCsv store={store} name="command-requests" columns={COLUMNS} fetch={fetch} />
      </Filters>
      <ListState listing={listing} empty={t(filter.state === 'waiting' ? 'requests.none-waits' : 'requests.none')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table
          label={t('requests.title')}
          heads={[t('audit.at'), t('requests.what'), t('devices.device'), t('requests.why'), t('health.state'), t('users.acts')]}
        >
          {listing.found.rows.map(request => (
            <Row key={request.id} request={request} store={store} onAsk={setAsk} />
          ))}
        </Table>
      )}
      <Pager listing={listing} />
      {(listing.found?.total ?? 0) >= ALL && <p class="muted">{t('requests.more', { n: count(ALL) })}</p>}
      {ask !== null && (
        <FormDialog
          title={`${t(`requests.${ask.verb}`)}: ${term('command', ask.request.command)} · ${ask.request.deviceId}`}
          submit={`requests.${ask.verb}`}
          onClose={() => setAsk(null)}
          send={() => decide(ask)}
        >
          <p>{t(`requests.${ask.verb}-ask`)}</p>
          {ask.request.parameters !== null && <pre class="bytes">{JSON.stringify(ask.request.parameters, null, 1)}</pre>}
        </FormDialog>
      )}
    </main>
  )
}

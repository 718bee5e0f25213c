// What every list has: the fields that filter it, the pager, one place that says loading, empty or why not.
import type { ComponentChildren } from 'preact'
import { count } from '../format.ts'
import { t, type Key } from '../i18n.ts'
import type { Listing } from './listing.ts'
import '../style/lists.css'

type Field = { label: Key; name: string; value: string; onChange: (value: string) => void }
const heard = (onChange: Field['onChange']) => (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value)

export const TextField = ({ label, name, value, onChange, options }: Field & { options?: readonly string[] | undefined }) => (
  <label>
    {t(label)}
    <input
      type="search"
      data-testid={`filter-${name}`}
      value={value}
      onInput={heard(onChange)}
      {...(options === undefined ? {} : { list: `${name}-known` })}
    />
    {options !== undefined && (
      <datalist id={`${name}-known`}>
        {options.map(one => (
          <option key={one} value={one} />
        ))}
      </datalist>
    )}
  </label>
)

export const TimeField = ({ label, name, value, onChange }: Field) => (
  <label>
    {t(label)}
    <input type="datetime-local" data-testid={`filter-${name}`} value={value} onChange={heard(onChange)} />
  </label>
)

export const ChoiceField = ({
  label,
  name,
  value,
  onChange,
  options,
  all = 'list.all',
}: Field & { options: readonly (readonly [value: string, words: string])[]; all?: Key | null }) => (
  <label>
    {t(label)}
    <select data-testid={`filter-${name}`} value={value} onChange={heard(onChange)}>
      {all !== null && <option value="">{t(all)}</option>}
      {options.map(([option, words]) => (
        <option key={option} value={option}>
          {words}
        </option>
      ))}
    </select>
  </label>
)

export const Filters = ({ onReset, children }: { onReset?: () => void; children: ComponentChildren }) => (
  <form class="list-filters" onSubmit={event => event.preventDefault()}>
    {children}
    {onReset !== undefined && (
      <button type="button" onClick={onReset}>
        {t('list.reset')}
      </button>
    )}
  </form>
)

/** Which rows of how many, and the way to the others. */
export const Pager = ({ listing }: { listing: Listing<unknown> }) => {
  const { found, page, pageRows } = listing
  if (found === null || (page === 1 && found.next === undefined && found.rows.length === 0)) return null
  const first = found.rows.length === 0 ? 0 : (page - 1) * pageRows + 1
  const last = first === 0 ? 0 : first + found.rows.length - 1
  return (
    <nav class="pager" aria-label={t('list.pages')}>
      <button type="button" data-testid="page-back" disabled={page === 1} onClick={listing.back}>
        {t('list.back')}
      </button>
      <span data-testid="page-rows">
        {found.total === undefined
          ? t('list.rows-open', { first: count(first), last: count(last) })
          : t('list.rows', { first: count(first), last: count(last), total: count(found.total) })}
      </span>
      <button type="button" data-testid="page-forward" disabled={found.next === undefined} onClick={listing.forward}>
        {t('list.forward')}
      </button>
    </nav>
  )
}

/** Says what there is to say before, or in the place of, the rows. `empty` says what an empty list means and what to do. */
export const ListState = ({ listing, empty }: { listing: Listing<unknown>; empty: string }) => {
  const { found, problem, busy } = listing
  return (
    <>
      {problem !== '' && (
        <p class="problem" role="alert" data-testid="list-problem">
          {t('list.failed', { why: problem })}{' '}
          <button type="button" onClick={listing.reload}>
            {t('list.again')}
          </button>
        </p>
      )}
      {found === null && problem === '' && <p class="muted">{t(busy ? 'page.loading' : 'health.not-known')}</p>}
      {found !== null && found.rows.length === 0 && <p data-testid="list-empty">{empty}</p>}
    </>
  )
}

/** Wide tables scroll by themselves; the page never does. Reached by keyboard too. */
export const Table = ({ heads, label, children }: { heads: readonly ComponentChildren[]; label: string; children: ComponentChildren }) => (
  <div class="table-scroll" tabIndex={0} role="region" aria-label={label}>
    <table class="list">
      <thead>
        <tr>
          {heads.map((head, i) => (
            <th key={i} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
)

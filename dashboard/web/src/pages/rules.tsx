// The rules that judge: which set is in force, since when and by whom, what each rule looks for and what to do when it fires, which are
// broken or could not be taken over. Whoever may write rules changes the set here and tries it on what was recorded first.
import { useState } from 'preact/hooks'
import type { Severity, Text } from '#contracts/alarm.ts'
import { UNKNOWN, count, dayTime } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import { addressOf, named } from '../router.ts'
import { Level } from '../shell/level.tsx'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { ExportCsv } from './export.tsx'
import { ChoiceField, Filters, ListState, Pager, Table, TextField } from './list-parts.tsx'
import { pagesOf, useListing } from './listing.ts'
import { Backtest } from './rules-backtest.tsx'
import { RuleFilesEditor, type Files } from './rules-edit.tsx'

const PAGE_ROWS = 50

type Rule = {
  id: string
  version: number
  kind: string
  scope: Record<string, unknown>
  alarm: { kind: string; severity: Severity; latching: boolean }
  text: Text
  guidance?: Text
  parameters: Record<string, unknown>
}
type Change = { position: number; at: string; by: string; version?: string }
export type RuleSetShown = {
  name: string
  version: string
  rules: Rule[]
  files: Files
  since: Change | null
  problem: string | null
  disabled: { rule: string; reason: string }[]
  history: Change[]
}

const COLUMNS: Column<Rule>[] = [
  { title: 'id', value: one => one.id },
  { title: 'version', value: one => one.version },
  { title: 'kind', value: one => one.kind },
  { title: 'alarm', value: one => one.alarm.kind },
  { title: 'severity', value: one => one.alarm.severity },
  { title: 'latching', value: one => one.alarm.latching },
  { title: 'scope', value: one => JSON.stringify(one.scope) },
  { title: 'text', value: one => say(one.text) },
  { title: 'guidance', value: one => (one.guidance === undefined ? '' : say(one.guidance)) },
  { title: 'parameters', value: one => JSON.stringify(one.parameters) },
]

/** `kinds: smoke, heat` in words; nothing named = all devices. */
const scopeWords = (scope: Rule['scope']): string =>
  Object.entries(scope)
    .map(([what, names]) => {
      const named = Array.isArray(names) ? names.map(name => (/kinds$/i.test(what) ? term('device-kind', String(name)) : String(name))) : []
      return t('rules.scope-of', { what: term('rule-scope', what), names: named.join(', ') })
    })
    .join('; ') || t('rules.scope-all')

const Row = ({ rule, broken }: { rule: Rule; broken: string | undefined }) => (
  <tr data-testid="rule-row" data-rule={rule.id} data-broken={broken !== undefined}>
    <td>
      <b>{rule.id}</b> <span class="muted">v{rule.version}</span>
      {broken !== undefined && <p class="problem">{t('rules.broken', { why: broken })}</p>}
    </td>
    <td>
      <Level severity={rule.alarm.severity} flashing={false} /> {term('kind', rule.alarm.kind)}
      {rule.alarm.latching && <span class="muted second">{t('rules.latching')}</span>}
    </td>
    <td>
      {say(rule.text)}
      {rule.guidance !== undefined && <span class="muted second">→ {say(rule.guidance)}</span>}
    </td>
    <td>{scopeWords(rule.scope)}</td>
    <td>
      <details>
        <summary>{rule.kind}</summary>
        <pre class="bytes">{JSON.stringify(rule.parameters, null, 1)}</pre>
      </details>
    </td>
  </tr>
)

type Filter = { words: string; level: string; kind: string }
const NO_FILTER: Filter = { words: '', level: '', kind: '' }

const fits = (rule: Rule, { words, level, kind }: Filter): boolean =>
  (level === '' || String(rule.alarm.severity) === level) &&
  (kind === '' || rule.kind === kind) &&
  [rule.id, rule.text.zh, rule.text.en, rule.alarm.kind].some(part => part.toLowerCase().includes(words.toLowerCase()))

const Rules = ({ store, set }: { store: Store; set: RuleSetShown }) => {
  const [filter, setFilter] = useState<Filter>(NO_FILTER)
  const change = (name: keyof Filter) => (value: string) => setFilter({ ...filter, [name]: value })
  const fetch = pagesOf(async () => set.rules.filter(rule => fits(rule, filter)))
  const listing = useListing({ fetch, asked: JSON.stringify([filter, set.version]), pageRows: PAGE_ROWS })
  const kinds = [...new Set(set.rules.map(rule => rule.kind))].toSorted()
  return (
    <section aria-label={t('rules.list')}>
      <h3>{t('rules.list')}</h3>
      <Filters onReset={() => setFilter(NO_FILTER)}>
        <TextField label="filter.label" name="words" value={filter.words} onChange={change('words')} />
        <ChoiceField
          label="rules.level"
          name="level"
          value={filter.level}
          onChange={change('level')}
          options={[1, 2, 3, 4].map(n => [String(n), t('level.name', { n })])}
        />
        <ChoiceField label="why.kind" name="kind" value={filter.kind} onChange={change('kind')} options={kinds.map(one => [one, one])} />
        <ExportCsv store={store} name="rules" columns={COLUMNS} fetch={fetch} />
      </Filters>
      <ListState listing={listing} empty={t('rules.none-fits')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table label={t('rules.list')} heads={[t('rules.id'), t('rules.raises'), t('rules.says'), t('rules.scope'), t('rules.looks-for')]}>
          {listing.found.rows.map(rule => (
            <Row key={rule.id} rule={rule} broken={set.disabled.find(one => one.rule === rule.id)?.reason} />
          ))}
        </Table>
      )}
      <Pager listing={listing} />
    </section>
  )
}

const History = ({ changes, nowMs }: { changes: Change[]; nowMs: number }) => (
  <details data-testid="rule-history">
    <summary>{t('rules.history', { n: count(changes.length) })}</summary>
    <Table
      label={t('rules.history', { n: count(changes.length) })}
      heads={[t('audit.at'), t('rules.version'), t('audit.who'), t('rules.position')]}
    >
      {changes.map(one => (
        <tr key={`${one.position} ${one.version ?? ''}`}>
          <td>{dayTime(one.at, nowMs)}</td>
          <td class="code">{one.version ?? UNKNOWN}</td>
          <td>{one.by}</td>
          <td class="number">{count(one.position)}</td>
        </tr>
      ))}
    </Table>
  </details>
)

const InForce = ({ set, nowMs }: { set: RuleSetShown; nowMs: number }) => (
  <>
    <p class="verdict" data-testid="rule-set" data-version={set.version}>
      {t('rules.in-force', { name: set.name, version: set.version.slice(0, 8), n: count(set.rules.length) })}
      {set.since !== null && <span class="muted"> {t('rules.since', { at: dayTime(set.since.at, nowMs), by: set.since.by })}</span>}
    </p>
    {set.problem !== null && (
      <div class="problem" role="alert">
        <p>{t('rules.folder-problem')}</p>
        <pre class="bytes">{set.problem}</pre>
      </div>
    )}
    {set.disabled.length > 0 && (
      <p class="problem" role="alert" data-testid="rules-disabled">
        {t('rules.some-broken', { n: count(set.disabled.length), rules: set.disabled.map(one => one.rule).join(', ') })}
      </p>
    )}
  </>
)

const TABS = ['list', 'edit', 'backtest'] as const
type Tab = (typeof TABS)[number]

/** Parts of the page; what was begun in one goes on while another is looked at. */
const Tabs = ({ open }: { open: Tab }) => (
  <nav class="tabs" aria-label={t('rules.title')}>
    {TABS.map(tab => (
      <a key={tab} href={addressOf('rules', tab)} aria-current={tab === open ? 'page' : undefined} data-testid={`tab-${tab}`}>
        {t(`rules-tab.${tab}`)}
      </a>
    ))}
  </nav>
)

export const RulesPage = ({ store }: { store: Store }) => {
  const listing = useListing<RuleSetShown>({
    fetch: async (_cursor, _rows, signal) => ({ rows: [await store.api.get<RuleSetShown>('rules', signal)] }),
    asked: 'rules',
    pageRows: 1,
    refreshMs: 15_000,
  })
  const [draft, setDraft] = useState<Files | null>(null)
  const set = listing.found?.rows[0]
  const mayWrite = store.may('rules:write')
  const tab = (mayWrite && TABS.find(one => one === named.value)) || 'list'
  const nowMs = store.now.peek()
  return (
    <main class="page" data-testid="rules">
      <h2>{t('rules.title')}</h2>
      <p class="muted">{t('rules.lead')}</p>
      <ListState listing={listing} empty="" />
      {set !== undefined && (
        <>
          <InForce set={set} nowMs={nowMs} />
          {mayWrite ? <Tabs open={tab} /> : <p class="muted">{t('rules.not-yours')}</p>}
          <div hidden={tab !== 'list'}>
            <Rules store={store} set={set} />
            <History changes={set.history} nowMs={nowMs} />
          </div>
          {mayWrite && (
            <>
              <div hidden={tab !== 'edit'}>
                <RuleFilesEditor store={store} set={set} draft={draft} onDraft={setDraft} onDone={listing.reload} />
              </div>
              <div hidden={tab !== 'backtest'}>
                <Backtest store={store} draft={draft} />
              </div>
            </>
          )}
        </>
      )}
    </main>
  )
}

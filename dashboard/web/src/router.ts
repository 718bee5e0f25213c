// Which page is open: the part of the address behind '#/', and what on it (`#/devices/smk-1`). An unknown page is the desk; no address at
// all is the role's own view.
import { signal } from '@preact/signals'

export const PAGES = [
  'desk',
  'wall',
  'field',
  'devices',
  'accounting',
  'quarantine',
  'health',
  'audit',
  'rules',
  'resources',
  'report',
  'requests',
  'posture',
  'enrol',
  'users',
  'account',
] as const
export type Page = (typeof PAGES)[number]

const partsOf = (hash: string): string[] => (hash.startsWith('#/') ? hash.slice(2).split('/') : [])

export const pageOf = (hash: string): Page => PAGES.find(page => page === partsOf(hash)[0]) ?? 'desk'

/** What the address names on its page; '' = nothing. */
export const namedIn = (hash: string): string => {
  try {
    return decodeURIComponent(partsOf(hash).slice(1).join('/'))
  } catch {
    return ''
  }
}

export const addressOf = (onPage: Page, name?: string): string =>
  name === undefined ? `#/${onPage}` : `#/${onPage}/${encodeURIComponent(name)}`

export const page = signal<Page>('desk')
export const named = signal('')

/** What the router needs of the window. */
type Address = { location: { hash: string }; addEventListener(kind: 'hashchange', then: () => void): void }

export const startRouter = (target: Address): void => {
  const read = (): void => {
    page.value = pageOf(target.location.hash)
    named.value = namedIn(target.location.hash)
  }
  target.addEventListener('hashchange', read)
  read()
}

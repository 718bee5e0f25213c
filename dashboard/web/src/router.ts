// Which page is open: the part of the address behind '#/'. An unknown one is the desk; no address at all is the role's own view.
import { signal } from '@preact/signals'

export const PAGES = ['desk', 'wall', 'field', 'accounting', 'quarantine', 'health'] as const
export type Page = (typeof PAGES)[number]

export const pageOf = (hash: string): Page => PAGES.find(page => hash === `#/${page}`) ?? 'desk'

export const page = signal<Page>('desk')

/** What the router needs of the window. */
type Address = { location: { hash: string }; addEventListener(kind: 'hashchange', then: () => void): void }

export const startRouter = (target: Address): void => {
  const read = (): void => {
    page.value = pageOf(target.location.hash)
  }
  target.addEventListener('hashchange', read)
  read()
}

// A part of the page whose code is fetched when it is first drawn. Until then, and when it cannot be had, it says so.
import { signal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { ComponentType, JSX } from 'preact'
import { t } from './i18n.ts'

let release = (): void => {}
const queueStands = new Promise<void>(resolve => (release = resolve))
/** The rows are on the screen, or it is clear that they are not coming soon. */
export const restMayCome = (): void => release()
/** What the queue does not need: fetched, run and drawn behind its first rows, not before them. */
export const behindQueue =
  <T extends object>(load: () => Promise<T>): (() => Promise<T>) =>
  () =>
    queueStands.then(load)

type State<P> = ComponentType<P> | 'loading' | 'failed'

/** `Waiting` is drawn while the code comes; a failed fetch is tried again when the part is next drawn. */
export const lazy = <P extends object>(load: () => Promise<ComponentType<P>>, Waiting: ComponentType<{ failed: boolean }> = Plain) => {
  const state: Signal<State<P>> = signal('loading')
  const fetchIt = (): void => {
    if (typeof state.value === 'function') return
    load().then(
      found => {
        state.value = found
      },
      () => {
        state.value = 'failed'
      },
    )
  }
  const Lazy = (props: P): JSX.Element => {
    useEffect(fetchIt, [])
    const Part = state.value
    return typeof Part === 'function' ? <Part {...props} /> : <Waiting failed={Part === 'failed'} />
  }
  return Object.assign(Lazy, { fetch: fetchIt })
}

const Plain = ({ failed }: { failed: boolean }) => (
  <p class={failed ? 'starting problem' : 'starting'} role="status">
    {t(failed ? 'page.failed' : 'page.loading')}
  </p>
)

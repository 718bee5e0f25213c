// Who is at this desk. The cookie is HttpOnly and belongs to the browser; the page only ever asks who it stands for.
import type { Principal } from '#contracts/people.ts'
import { ApiError, type Api } from './api.ts'
import { setZone } from './format.ts'
import type { Store } from './store.ts'

type Known = { principal: Principal; timeZone: string }

/** Who the cookie stands for, or null when there is none (any more). Other failures are thrown. */
const whoAmI = async (api: Api): Promise<Known | null> => {
  try {
    return await api.get<Known>('session')
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null
    throw error
  }
}

const KEY = 'fengsui.known'

/** A name, a role and the district's clock, no secret; storage may be refused, then nobody is remembered. */
const remember = (known: Known | null): void => {
  try {
    if (known === null) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, JSON.stringify(known))
  } catch {
    // not remembered
  }
}
const recall = (): Known | null => {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as Known | null
  } catch {
    return null
  }
}

export type Session = {
  restore(): Promise<void>
  login(username: string, password: string): Promise<void>
  logout(): Promise<void>
}

export const createSession = (store: Store): Session => {
  const admit = ({ principal, timeZone }: Known): void => {
    setZone(timeZone)
    store.principal.value = principal
  }
  const enter = async (): Promise<void> => {
    const known = await whoAmI(store.api)
    remember(known)
    if (known !== null) return admit(known)
    store.principal.value = null
    store.stop()
  }
  /** No answer is not "nobody": who was here last sees his page, said to be old, while the socket goes on trying. The server decides. */
  const restore = async (): Promise<void> => {
    // the socket knows the cookie as well as the session does: the queue is on its way while it is asked who this is
    store.start()
    try {
      await enter()
    } catch (error) {
      const last = recall()
      if (last === null || !(error instanceof ApiError) || error.code !== 'no-answer') throw error
      admit(last)
    }
  }
  return {
    restore,
    async login(username, password) {
      await store.api.post('session', { username, password })
      await enter()
      if (store.principal.value) store.start()
    },
    async logout() {
      store.stop()
      await store.api.delete('session')
      store.principal.value = null
      remember(null)
    },
  }
}

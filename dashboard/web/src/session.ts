// Who is at this desk. The cookie is HttpOnly and belongs to the browser; the page only ever asks who it stands for.
import type { Principal } from '#contracts/people.ts'
import { ApiError, type Api } from './api.ts'
import type { Store } from './store.ts'

/** The principal of the cookie, or null when there is none (any more). Other failures are thrown. */
const whoAmI = async (api: Api): Promise<Principal | null> => {
  try {
    const answer = await api.get<{ principal: Principal }>('session')
    return answer.principal
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null
    throw error
  }
}

const KEY = 'fengsui.who'

/** A name and a role, no secret; storage may be refused, then nobody is remembered. */
const remember = (principal: Principal | null): void => {
  try {
    if (principal === null) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, JSON.stringify(principal))
  } catch {
    // not remembered
  }
}
const recall = (): Principal | null => {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as Principal | null
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
  const enter = async (): Promise<void> => {
    const principal = await whoAmI(store.api)
    store.principal.value = principal
    remember(principal)
    if (principal === null) store.stop()
    else store.start()
  }
  /** No answer is not "nobody": who was here last sees his page, said to be old, while the socket goes on trying. The server decides. */
  const restore = async (): Promise<void> => {
    try {
      await enter()
    } catch (error) {
      const last = recall()
      if (last === null || !(error instanceof ApiError) || error.code !== 'no-answer') throw error
      store.principal.value = last
      store.start()
    }
  }
  return {
    restore,
    async login(username, password) {
      await store.api.post('session', { username, password })
      await enter()
    },
    async logout() {
      store.stop()
      await store.api.delete('session')
      store.principal.value = null
      remember(null)
    },
  }
}

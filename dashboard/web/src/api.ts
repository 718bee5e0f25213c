// The desk's way to the HTTP API: JSON in, JSON out, the session cookie travels by itself. Failures are thrown with the
// server's code, message and hint; no answer at all is code 'no-answer'. Nothing is retried or queued here.

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly hint: string
  readonly requestId: string
  constructor(o: { status: number; code: string; message: string; hint?: string; requestId?: string }) {
    super(o.message)
    this.name = 'ApiError'
    this.status = o.status
    this.code = o.code
    this.hint = o.hint ?? ''
    this.requestId = o.requestId ?? ''
  }
}

export type Api = {
  /** `withinMs`: for work that takes longer than an answer usually may */
  get<T>(path: string, signal?: AbortSignal, withinMs?: number): Promise<T>
  post<T>(path: string, body?: object, o?: { withinMs?: number; signal?: AbortSignal }): Promise<T>
  put<T>(path: string, body: object): Promise<T>
  patch<T>(path: string, body: object): Promise<T>
  delete(path: string): Promise<void>
}

const ANSWER_WITHIN_MS = 10_000

const failure = async (response: Response): Promise<ApiError> => {
  const body: unknown = await response.json().catch(() => null)
  const said = typeof body === 'object' && body !== null ? (body as Partial<Record<'code' | 'message' | 'hint' | 'requestId', string>>) : {}
  return new ApiError({ status: response.status, code: 'internal', message: response.statusText || String(response.status), ...said })
}

const unanswered = (cause: unknown): ApiError =>
  new ApiError({ status: 0, code: 'no-answer', message: cause instanceof Error ? cause.message : 'no answer' })

export const createApi = (fetcher: typeof fetch, onUnauthenticated: () => void): Api => {
  const send = async (
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
    withinMs = ANSWER_WITHIN_MS,
  ): Promise<Response> => {
    const limit = AbortSignal.timeout(withinMs)
    const response = await fetcher(`/api/v1/${path}`, {
      method,
      credentials: 'same-origin',
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    }).catch((cause: unknown) => {
      throw unanswered(cause)
    })
    if (response.ok) return response
    const error = await failure(response)
    if (error.status === 401 && !path.startsWith('session')) onUnauthenticated()
    throw error
  }
  /** An answer that stops half-way is none. */
  const parsed = async <T>(response: Response): Promise<T> => {
    if (response.status === 204) return undefined as T
    return (await response.json().catch((cause: unknown) => {
      throw unanswered(cause)
    })) as T
  }
  return {
    get: async (path, signal, withinMs) => parsed(await send('GET', path, undefined, signal, withinMs)),
    post: async (path, body = {}, o = {}) => parsed(await send('POST', path, body, o.signal, o.withinMs)),
    put: async (path, body) => parsed(await send('PUT', path, body)),
    patch: async (path, body) => parsed(await send('PATCH', path, body)),
    delete: async path => {
      await send('DELETE', path)
    },
  }
}

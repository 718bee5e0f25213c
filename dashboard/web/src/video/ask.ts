// Requests whose answer is no JSON: the server's word for a failure is kept as the rest of the page knows it.
import { ApiError } from '../api.ts'

export const ask = async (path: string, o: RequestInit): Promise<Response> => {
  const response = await fetch(`/api/v1/${path}`, { credentials: 'same-origin', ...o }).catch((cause: unknown) => {
    throw new ApiError({ status: 0, code: 'no-answer', message: cause instanceof Error ? cause.message : 'no answer' })
  })
  if (response.ok) return response
  const said = (await response.json().catch(() => ({}))) as Partial<Record<'code' | 'message', string>>
  throw new ApiError({ status: response.status, code: 'internal', message: String(response.status), ...said })
}

// What people saw and said: a citizen's snapshot (随手拍), a call to the hotline, a patrol. Never an alarm by itself: evidence of the incident
// that is near, else an incident that somebody has to confirm.
import type { Place, Position } from './reading.ts'

export const OBSERVATION_SOURCES = ['citizen', 'hotline', 'patrol', 'other'] as const
export type ObservationSource = (typeof OBSERVATION_SOURCES)[number]

export const PHOTO_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/heic'] as const
export type PhotoType = (typeof PHOTO_TYPES)[number]
export type Photo = { id: string; type: PhotoType; bytes: number; sha256: string }

export type Observation = {
  id: string
  source: ObservationSource
  text: string
  /** event time as it was told */
  at: string
  receivedAt: string
  /** user:<name>, token:<name> */
  by: string
  incidentId: string
  /** the alarm it stands with as evidence */
  alarmId: string
  /** evidence: joined an incident that was open; to-be-confirmed: opened one */
  status: 'evidence' | 'to-be-confirmed'
  /** metres from the incident's nearest alarm, where both positions are known */
  distanceM?: number
  place?: Place
  position?: Position
  photos: Photo[]
}

// Wires the photos of observations: where they lie and how much of the disk they may take.
import type { Settings } from '../settings.ts'

type Limits = Pick<Settings, 'photosBytes' | 'diskReserveBytes'>

export async function openPhotoStore(dir: string, { photosBytes, diskReserveBytes }: Limits, isKept: (id: string) => boolean) {
  const { openPhotos } = await import('../dispatch/photos.ts')
  return openPhotos({ dir, quotaBytes: photosBytes, reserveBytes: diskReserveBytes, isKept })
}

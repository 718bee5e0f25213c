// Wires the photos of observations: where they lie and how much of the disk they may take.
import type { Settings } from '../settings.ts'

export async function openPhotoStore(dir: string, { photosBytes, diskReserveBytes }: Pick<Settings, 'photosBytes' | 'diskReserveBytes'>) {
  const { openPhotos } = await import('../dispatch/photos.ts')
  return openPhotos({ dir, quotaBytes: photosBytes, reserveBytes: diskReserveBytes })
}

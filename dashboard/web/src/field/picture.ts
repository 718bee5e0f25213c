// Makes a photograph small enough for a bad line: at most 1280 px, JPEG, and under the size the server takes. Position data in the
// file (EXIF) is gone with it.

const SIDE_MAX_PX = 1280
/** base64 of it stays under the server's 1 MiB */
const BYTES_MAX = 700_000
const QUALITIES = [0.8, 0.65, 0.5, 0.35]

/** base64 without the data: prefix. @throws when the file is no picture that this browser can read */
export const shrink = async (file: Blob): Promise<string> => {
  const bitmap = await createImageBitmap(file)
  const scale = Math.min(1, SIDE_MAX_PX / Math.max(bitmap.width, bitmap.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(bitmap.width * scale))
  canvas.height = Math.max(1, Math.round(bitmap.height * scale))
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  for (const quality of QUALITIES) {
    const base64 = canvas.toDataURL('image/jpeg', quality).split(',')[1] ?? ''
    if (base64 !== '' && base64.length * 0.75 <= BYTES_MAX) return base64
  }
  throw new RangeError('the picture cannot be made small enough')
}

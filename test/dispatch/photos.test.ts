// A photo and its report are written one after the other: what a crash leaves between the two neither stays nor takes its share, and what was
// written down stays, also where the crash came before that was noted.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openPhotos } from '../../dispatch/photos.ts'

const PNG = Buffer.concat([Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'), Buffer.alloc(1000)])
async function* picture(): AsyncGenerator<Uint8Array> {
  yield PNG
}

it('a restart lets go of what no report names', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-photos-'))
  const open = (kept: string[] = []) =>
    openPhotos({ dir, quotaBytes: 3 * PNG.byteLength, reserveBytes: 0, isKept: id => kept.includes(id) })
  const first = open()
  const [noted, written, lost] = [await first.save(picture()), await first.save(picture()), await first.save(picture())]
  first.keep([noted])
  await expect(first.save(picture())).rejects.toMatchObject({ code: 'disk-reserve' })
  // killed here: `written` stands in a report, `lost` in none
  const second = open([written.id])
  expect([noted, written, lost].map(({ id }) => existsSync(join(dir, 'photos', id.slice(0, 2), id)))).toEqual([true, true, false])
  expect(second.bytes()).toBe(2 * PNG.byteLength)
  // and nobody is asked twice
  const third = open()
  expect(third.bytes()).toBe(2 * PNG.byteLength)
  const again = await third.save(picture())
  third.remove([again])
  expect(open([again.id]).bytes()).toBe(2 * PNG.byteLength)
  rmSync(dir, { recursive: true })
})

// Registers devices, all or none, in portions between which alarms go on: a portion costs a few syncs of the disk, a device none of its own.
import { setImmediate as otherWork } from 'node:timers/promises'
import type { Device } from '#contracts/device.ts'
import type { Registered } from './device-fields.ts'

export type Credential = { deviceId: string; via?: string; grants?: string[]; password?: string }
export type Wanted = { credential: Credential; registration: Registered }
export type Issued = { username: string; password: string }
export type Made = { deviceId: string; device: Device; credentials: Issued }

export type RegisteringParts = {
  directory: { registerAll(devices: readonly Registered[]): Device[]; remove(deviceId: string): boolean }
  saveDirectory(): void
  credentials: { importMany(rows: Credential[]): Promise<Issued[]>; revoke(deviceId: string): boolean }
  changed(c: { devices?: Device[]; removed?: string[] }): void
}

/** some 10 ms of work */
const PORTION = 200

/** `told` hears of each portion when all of them are on disk. What was registered before something is refused is taken back. */
export async function registerAll(parts: RegisteringParts, wanted: readonly Wanted[], told: (portion: Made[]) => void): Promise<Made[]> {
  const { credentials, directory } = parts
  const issued = await credentials.importMany(wanted.map(({ credential }) => credential))
  const made: Made[] = []
  try {
    for (const portion of portionsOf(wanted)) {
      const devices = directory.registerAll(portion.map(({ registration }) => registration))
      parts.saveDirectory()
      parts.changed({ devices })
      for (const device of devices) made.push({ deviceId: device.deviceId, device, credentials: issued[made.length]! })
      await otherWork()
    }
  } catch (error) {
    await takeBack(parts, wanted)
    throw error
  }
  for (const portion of portionsOf(made)) {
    told(portion)
    await otherWork()
  }
  return made
}

/** Of the portion in hand too. Each is a sync or two of the disk, so alarms go on between any two. */
async function takeBack({ credentials, directory, saveDirectory, changed }: RegisteringParts, wanted: readonly Wanted[]): Promise<void> {
  const removed: string[] = []
  for (const { credential } of wanted) {
    const { deviceId } = credential
    credentials.revoke(deviceId)
    if (directory.remove(deviceId)) removed.push(deviceId)
    await otherWork()
  }
  saveDirectory()
  changed({ removed })
}

function* portionsOf<T>(all: readonly T[]): Generator<T[]> {
  for (let at = 0; at < all.length; at += PORTION) yield all.slice(at, at + PORTION)
}

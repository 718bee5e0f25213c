// Many devices registered together: all or none, in portions, told of when all are there.
import { expect, test } from 'vitest'
import type { Device } from '#contracts/device.ts'
import { registerAll, type RegisteringParts } from '../../dashboard/api/registering.ts'

const wanted = Array.from({ length: 450 }, (_, i) => ({
  credential: { deviceId: `d${i}` },
  registration: { deviceId: `d${i}`, kind: 'smoke' as const },
}))

function parts(o: { refuseAt?: number } = {}) {
  const credentials = new Set<string>()
  const devices = new Set<string>()
  const saved: number[] = []
  const gone: string[] = []
  const all: RegisteringParts = {
    credentials: {
      importMany: async rows => rows.map(({ deviceId }) => (credentials.add(deviceId), { username: deviceId, password: `of ${deviceId}` })),
      revoke: deviceId => credentials.delete(deviceId),
    },
    directory: {
      registerAll(rows) {
        return rows.map(({ deviceId }) => {
          if (devices.size >= (o.refuseAt ?? Infinity)) throw new Error('the disk is full')
          devices.add(deviceId)
          return { deviceId } as Device
        })
      },
      remove: deviceId => devices.delete(deviceId),
    },
    saveDirectory: () => void saved.push(devices.size),
    changed: ({ removed = [] }) => void gone.push(...removed),
  }
  return { all, credentials, devices, saved, gone }
}

test('each portion is saved by itself, and told of once all are there', async () => {
  const { all, devices, saved } = parts()
  const told: number[] = []
  const made = await registerAll(all, wanted, portion => void (expect(devices.size).toBe(450), told.push(portion.length)))
  expect(saved).toEqual([200, 400, 450])
  expect(told).toEqual([200, 200, 50])
  expect(made.map(({ deviceId, credentials }) => [deviceId, credentials.password])).toEqual(
    wanted.map(({ credential: { deviceId } }) => [deviceId, `of ${deviceId}`]),
  )
})

test('what was registered before a refusal is taken back, and nothing is told', async () => {
  const { all, credentials, devices, gone } = parts({ refuseAt: 420 })
  const told: unknown[] = []
  await expect(registerAll(all, wanted, portion => void told.push(portion))).rejects.toThrow('the disk is full')
  expect([credentials.size, devices.size, told]).toEqual([0, 0, []])
  expect(gone).toHaveLength(420)
})

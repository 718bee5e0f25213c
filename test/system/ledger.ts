// Holds what a load generator was acknowledged against what the system has: every message in the journal, every reading in the store once, every
// alarm in the queue once. Reads the files themselves, so that no part of the system vouches for itself.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import { deviceAt, deviceName, seqAt } from '../../bench/raw-frames.ts'
import type { Account } from '../../bench/raw-device.ts'
import type { LoadReport } from '../../bench/raw-load.ts'
import { openReader, readPast, verifyJournal } from '../../journal/index.ts'
import { logged } from './load.ts'
import { until, type Running } from './running.ts'

/** a consumer that does nothing for so long hangs */
const STANDSTILL_MS = 60_000

/** 'env0-000001-100000001': what a message calls itself, and whether it was acknowledged */
type Messages = { acked: Set<string>; sent: Set<string> }

export function messagesOf(accounts: readonly Account[]): Messages {
  const messages: Messages = { acked: new Set(), sent: new Set() }
  for (const account of accounts) {
    for (let n = 0; n < account.sent; n++) {
      const id = `${deviceName(account.prefix, deviceAt(account, n))}-${seqAt(account, n)}`
      messages.sent.add(id)
      if (n < account.acked) messages.acked.add(id)
    }
    for (const n of account.ackedBeyond) messages.acked.add(`${deviceName(account.prefix, deviceAt(account, n))}-${seqAt(account, n)}`)
  }
  return messages
}

export function journalled(dir: string): Set<string> {
  using reader = openReader({ dir })
  const ids = new Set<string>()
  for (let after = 0; ;) {
    const batch = readPast(reader, after, 2000, () => true) // what a torn disk lost is a hole
    if (batch.length === 0) return ids
    for (const { payload } of batch) {
      const id = /"msgId":"([^"]+)"/.exec(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1'))?.[1]
      if (id !== undefined) ids.add(id)
    }
    after = batch.at(-1)!.seq
  }
}

/** Device and sequence number of every stored reading that carries one, as often as it is stored; the system must have ended. */
export async function stored(dir: string): Promise<Map<string, number>> {
  const file = join(dir, 'readings.duckdb')
  if (!existsSync(file)) return new Map()
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  try {
    const tables = (await connection.runAndReadAll(`SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'v_%'`)).getRows()
    const all = tables.map(([table]) => `SELECT device, metric, value FROM ${String(table)}`).join(' UNION ALL ')
    const found = await connection.runAndReadAll(
      `SELECT d.name, v.value::BIGINT, count(*) FROM (${all}) v JOIN name d ON d.id = v.device JOIN name m ON m.id = v.metric
       WHERE m.name = 'm:pulse_count' GROUP BY ALL`,
    )
    return new Map(found.getRows().map(([device, seq, times]) => [`${String(device).slice(2)}-${String(seq)}`, Number(times)]))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Every alarm of the detectors, newest state; the list is bounded, so a test may not raise more than it holds. */
export async function alarmedDevices(running: Running): Promise<string[]> {
  const { alarms } = await running.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=5000')
  expect(alarms.length).toBeLessThan(5000)
  return alarms.filter(a => a.deviceId?.startsWith('alm') === true && a.kind === 'fire-alarm').map(a => a.deviceId!)
}

/** Rules and store have finished what the journal holds; patient with who is slow, not with who stands still. */
export async function caughtUp(running: Running): Promise<void> {
  let text = ''
  const lag = (consumer: string) => Number(new RegExp(`fengsui_journal_lag\\{consumer="${consumer}"\\} (\\d+)`).exec(text)?.[1] ?? NaN)
  for (let before = ''; ;) {
    const now = () => `rules ${lag('rules')}, store ${lag('store')}`
    await until(
      async () => {
        const answer = await fetch(`${running.http}/metrics`).catch(() => null)
        text = (await answer?.text()) ?? text
        return answer !== null && now() !== before
      },
      STANDSTILL_MS,
      () => `not caught up, ${now()} messages behind\n${logged(running)}`,
    )
    if (lag('rules') === 0 && lag('store') === 0) return
    before = now()
  }
}

const few = (ids: Iterable<string>): string[] => [...ids].slice(0, 5)
const count = (ids: ReadonlySet<string>, wanted: (id: string) => boolean): number => [...ids].filter(wanted).length

/**
 * Waits until all is read, ends the system, and compares. Whatever was acknowledged is there once; what was not may be there, once.
 * `lost` may name messages that a damaged disk took.
 */
export async function expectExactlyOnce(running: Running, report: LoadReport, o: { lost?: ReadonlySet<string> } = {}): Promise<void> {
  const { acked, sent } = messagesOf(report.accounts)
  const isLost = (id: string): boolean => o.lost?.has(id) === true
  await caughtUp(running)
  const alarms = await alarmedDevices(running)
  await running.stop()

  // what a disk took is missing for ever, and verify says so
  expect(verifyJournal({ dir: running.dir })).toMatchObject({ ok: (o.lost?.size ?? 0) === 0 })
  const onDisk = journalled(running.dir)
  expect(few([...acked].filter(id => !onDisk.has(id) && !isLost(id)))).toEqual([])

  const inStore = await stored(running.dir)
  const readings = [...acked].filter(id => id.startsWith('env'))
  expect({ lost: few(readings.filter(id => !inStore.has(id) && !isLost(id))) }).toEqual({ lost: [] })
  expect({ doubled: few([...inStore].filter(([, times]) => times !== 1).map(([id]) => id)) }).toEqual({ doubled: [] })
  expect({ invented: few([...inStore.keys()].filter(id => !sent.has(id))) }).toEqual({ invented: [] })

  const alarmOf = (id: string): string => id.slice(0, id.lastIndexOf('-'))
  const raised = new Set(alarms)
  expect({ doubledAlarms: few(alarms.filter((id, i) => alarms.indexOf(id) !== i)) }).toEqual({ doubledAlarms: [] })
  expect({ lostAlarms: few([...acked].filter(id => id.startsWith('alm') && !raised.has(alarmOf(id)) && !isLost(id))) }).toEqual({
    lostAlarms: [],
  })
  console.log(
    `${acked.size} of ${sent.size} sent were acknowledged (${report.repeated} sent again), ${inStore.size} readings stored, ` +
      `${count(acked, id => id.startsWith('alm'))} detectors responded, ${alarms.length} alarms`,
  )
}

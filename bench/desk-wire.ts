// What the live socket costs the server and the line, without a browser: bytes of a live tick (20,000 devices, one in a hundred changing) as a desk gets
// them, and the CPU of a tick with 200 desks beside one. The desks are a process of their own.
import { fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { ROWS_PROTOCOL } from '#contracts/live-rows.ts'
import { openDeskRoom } from './desk-room.ts'

const DEVICES = 20_000
const TICKS = 16
const TICK_EVERY_MS = 500
const DESKS = 200
const ROUNDS = 1

type Heard = { snapshots: number; bytes: number; heartbeats: number }

/** The other process: `desks` sockets that read everything and count what one of them gets. */
const sit = (url: string, token: string, desks: number): void => {
  const heard: Heard = { snapshots: 0, bytes: 0, heartbeats: 0 }
  for (let n = 0; n < desks; n += 1) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, [ROWS_PROTOCOL, `bearer.${token}`])
    socket.on('message', (data: Buffer, isBinary) => {
      const kind = isBinary ? 'rows' : /"type":"(\w+)"/.exec(data.toString('latin1', 0, 40))?.[1]
      // whole with the last part of the devices, which is compressed for each desk
      if (kind === 'devices') heard.snapshots += Number(data.toString('latin1', data.length - 12).includes('"last":true'))
      else if (kind === 'snapshot') return
      else if (n === 0 && kind === 'heartbeat') heard.heartbeats += 1
      else if (n === 0) heard.bytes += data.length
    })
  }
  process.on('message', () => process.send?.({ ...heard }))
}

const [, , role, url = '', token = '', many = '1'] = process.argv
if (role === 'sit') sit(url, token, Number(many))
else await measure()

async function measure(): Promise<void> {
  await using desk = await openDeskRoom(DEVICES)
  const admin = desk.room.tokens['admin'] ?? ''
  const round = async (desks: number): Promise<{ cpuMs: number; bytes: number }> => {
    const child = fork(import.meta.filename, ['sit', desk.room.url, admin, String(desks)])
    const ask = (): Promise<Heard> =>
      new Promise(resolve => {
        child.once('message', answer => resolve(answer as Heard))
        child.send('how much')
      })
    while ((await ask()).snapshots < desks) await delay(200)
    await delay(1_000)
    const work = async (ticks: boolean): Promise<number> => {
      const before = process.cpuUsage()
      for (let n = 0; n < TICKS; n += 1) {
        if (ticks) desk.tick(0.01)
        await delay(TICK_EVERY_MS)
      }
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000 / TICKS
    }
    const idle = await work(false)
    const before = await ask()
    const busy = await work(true)
    const after = await ask()
    child.kill()
    await delay(500)
    return { cpuMs: busy - idle, bytes: (after.bytes - before.bytes) / TICKS }
  }
  const alone: number[] = []
  const together: number[] = []
  for (let n = 0; n < ROUNDS; n += 1) {
    const one = await round(1)
    const all = await round(DESKS)
    alone.push(one.cpuMs)
    together.push(all.cpuMs)
    console.log(
      `round ${n + 1}: ${one.bytes.toFixed(0)} bytes a tick; CPU of a tick with 1 desk ${one.cpuMs.toFixed(2)} ms, with ${DESKS} ${all.cpuMs.toFixed(2)} ms (the changes themselves included)`,
    )
  }
  const least = (values: number[]): number => Math.min(...values)
  console.log(`${DESKS} desks beside 1: ${(least(together) / least(alone)).toFixed(1)} x`)
}

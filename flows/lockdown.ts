// Closes what Node's permission model leaves open to a flow that has got hold of `process`: signals and debugger wake-ups to other processes of the
// same account, their priority, sockets of the file system, and the doors of broker and database, which flows have no business at. Files,
// programs, workers, native code and SQLite are closed by flags (child.ts).
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import os from 'node:os'
import type { Door } from './doors.ts'

const denied = (name: string) => (): never => {
  throw Object.assign(new Error(`${name} is not available to flows`), { code: 'ERR_ACCESS_DENIED' })
}

/** Before anything else runs; cannot be undone from inside. */
export function lockDown(): void {
  for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd', 'execve']) close(process, name, denied(name))
  close(os, 'setPriority', denied('setPriority'))
  syncBuiltinESMExports()
}

type Connect = (this: object, request: object, address: string, port: number) => number

/** what the system itself would answer: an error of the connection, never an exception in somebody else's code */
const REFUSED = -os.constants.errno.EACCES
const PORTS = 65_536
/** taken before any flow could put something in its place, and called without asking what it inherits */
const { apply } = Reflect

/**
 * A loopback address means every address of this machine; by IPv6 the port is closed altogether. Below sockets, requests and whatever else there is
 * lies the one function that connects. What stands in its place uses nothing that a flow could have changed: no method, only comparing.
 */
export function closeDoors(closed: readonly Door[]): void {
  const own = Object.values(os.networkInterfaces()).flatMap(all => (all ?? []).map(one => one.address))
  const doors = closed.flatMap(({ address, port }) =>
    (isLocal(address) ? ['127', '0', ...own] : [address]).map(one => ({ address: one, port })),
  )
  const isClosed = (address: unknown, port: number, isIpv6: boolean): boolean => {
    if (typeof address !== 'string') return true
    for (let i = 0; i < doors.length; i++) {
      const door = doors[i]!
      if (door.port === port % PORTS && (isIpv6 || !isPlain(address) || isWithin(address, door.address))) return true
    }
    return false
  }
  const tcp = prototypeOf({ host: '127.0.0.1', port: 9 })
  for (const name of ['connect', 'connect6']) {
    const connect = tcp[name] as Connect
    const isIpv6 = name === 'connect6'
    close(tcp, name, function (this: object, request: object, address: string, port: number): number {
      return isClosed(address, port, isIpv6) ? REFUSED : apply(connect, this, [request, address, port])
    } satisfies Connect)
  }
  close(prototypeOf({ path: '/nowhere' }), 'connect', () => REFUSED)
}

const isLocal = (address: string): boolean => /^(127\.|::1$|0\.|::$|localhost$)/.test(address)

/** Digits and points: nothing behind them that whoever reads it stops at. */
function isPlain(address: string): boolean {
  for (let i = 0; i < address.length; i++) {
    const character = address[i]!
    if (character !== '.' && !(character >= '0' && character <= '9')) return false
  }
  return true
}

/** It is that address, or one of that net. */
function isWithin(address: string, net: string): boolean {
  for (let i = 0; i < net.length; i++) if (address[i] !== net[i]) return false
  return address.length === net.length || address[net.length] === '.'
}

/** of the handle that such a connection would have; it is ended before it is tried */
function prototypeOf(to: net.NetConnectOpts): Record<string, unknown> {
  const socket = net.connect(to).on('error', () => {})
  const { _handle } = socket as unknown as { _handle: object }
  const prototype = Object.getPrototypeOf(_handle) as Record<string, unknown>
  socket.destroy()
  return prototype
}

const close = (owner: object, name: string, value: unknown): void =>
  void Object.defineProperty(owner, name, { value, writable: false, configurable: false })

// Is this sender registered? Itself, or something behind it (`gb:5001` is, when `gb:5001/1/3.17` is). Follows the list of registrations a
// second behind; knows nothing of credentials.

type Change = { change: number; deviceId: string; device: unknown }

const FOLLOW_MS = 1_000

export function createRegister(since: (after: number) => readonly Change[], nowMs: () => number): (deviceId: string) => boolean {
  const known = new Set<string>()
  /** how many registered ids begin so */
  const above = new Map<string, number>()
  let lastChange = 0
  let followedAtMs = -Infinity

  function set(deviceId: string, isThere: boolean): void {
    if (known.has(deviceId) === isThere) return
    if (isThere) known.add(deviceId)
    else known.delete(deviceId)
    for (let at = deviceId.indexOf('/'); at >= 0; at = deviceId.indexOf('/', at + 1)) {
      const name = deviceId.slice(0, at)
      const count = (above.get(name) ?? 0) + (isThere ? 1 : -1)
      if (count > 0) above.set(name, count)
      else above.delete(name)
    }
  }

  return deviceId => {
    if (nowMs() - followedAtMs >= FOLLOW_MS) {
      followedAtMs = nowMs()
      for (const { change, deviceId: changed, device } of since(lastChange)) {
        set(changed, device !== null)
        lastChange = change
      }
    }
    return known.has(deviceId) || above.has(deviceId)
  }
}

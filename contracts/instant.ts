// Times as readings write them (RFC 3339, UTC, ms) and as everything reckons with them (ms since 1970), both ways. A reading carries text;
// whoever decodes it has just made that text of a number, and whoever judges it needs the number again a moment later: so the pairs made
// last are remembered. Pure but for that memory, which changes no answer.

let isoMinute = Number.NaN
let isoUpToMinute = ''
/** the minute before: what a device measured a while ago arrives now */
let otherMinute = Number.NaN
let otherUpToMinute = ''
const SECONDS = Array.from({ length: 60 }, (_, s) => `${String(s).padStart(2, '0')}.`)
const THOUSANDTHS = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`)

/** The two times written last: a reading has its own and that of its arrival. */
let newest = ''
let newestMs = Number.NaN
let other = ''
let otherMs = Number.NaN

/** As Date.toISOString, which costs more than the rest of reading a small message: of one minute only the seconds differ. */
export function isoOf(ms: number): string {
  const whole = Math.trunc(ms)
  if (whole === newestMs) return newest
  if (whole === otherMs) return other
  const minute = Math.floor(whole / 60_000)
  if (minute !== isoMinute) turnMinute(minute)
  const rest = whole - minute * 60_000
  const second = Math.floor(rest / 1000)
  const text = `${isoUpToMinute}${SECONDS[second]}${THOUSANDTHS[rest - second * 1000]}`
  other = newest
  otherMs = newestMs
  newest = text
  newestMs = whole
  return text
}

const MINUTES = Array.from(
  { length: 1440 },
  (_, m) => `T${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}:`,
)
/** Days that were written, by number: a few are asked for again and again. At the bound remembering begins anew. */
const DAYS_MAX = 64
const days = new Map<number, string>()

function turnMinute(minute: number): void {
  const upTo = minute === otherMinute ? otherUpToMinute : upToMinute(minute)
  otherMinute = isoMinute
  otherUpToMinute = isoUpToMinute
  isoMinute = minute
  isoUpToMinute = upTo
}

/** Of one day only the minutes differ. */
function upToMinute(minute: number): string {
  const day = Math.floor(minute / 1440)
  let upToDay = days.get(day)
  if (upToDay === undefined) {
    upToDay = new Date(day * 86_400_000).toISOString().slice(0, -'T00:00:00.000Z'.length)
    if (days.size >= DAYS_MAX) days.clear()
    days.set(day, upToDay)
  }
  return upToDay + (MINUTES[minute - day * 1440] ?? '')
}

let day = ''
let dayMs = 0
const ZERO = 48

/** Two digits at `i`; NaN where one is no digit. */
function two(text: string, i: number): number {
  const tens = text.charCodeAt(i) - ZERO
  const ones = text.charCodeAt(i + 1) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN
}

/** As Date.parse; the form that readings have is read by hand with the day remembered. */
export function msOf(text: string): number {
  if (text === newest) return newestMs
  if (text === other) return otherMs
  if (text.length !== 24 || text.charCodeAt(23) !== 90 || text.charCodeAt(10) !== 84) return Date.parse(text)
  if (!text.startsWith(day) || day === '') {
    const parsed = Date.parse(`${text.slice(0, 10)}T00:00:00.000Z`)
    if (Number.isNaN(parsed)) return Date.parse(text)
    day = text.slice(0, 10)
    dayMs = parsed
  }
  const hours = two(text, 11)
  const minutes = two(text, 14)
  const seconds = two(text, 17)
  const thousandths = two(text, 20) * 10 + (text.charCodeAt(22) - ZERO)
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths
  return hours < 24 && minutes < 60 && seconds < 60 && thousandths < 1000 ? dayMs + ms : Date.parse(text)
}

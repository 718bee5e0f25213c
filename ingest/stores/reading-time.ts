// Times of readings as numbers. Decoders write them in one form (RFC 3339, UTC, milliseconds), and readings of one minute differ in five
// digits: reading only those costs a tenth of Date.parse. Any other form is left to Date.parse.

const MINUTE_CHARS = 'YYYY-MM-DDTHH:MM:'.length
const WHOLE_CHARS = 'YYYY-MM-DDTHH:MM:SS.mmmZ'.length
let minute = ''
let minuteMs = 0

/** NaN for what is no time. */
export function timeOf(text: string): number {
  if (text.length !== WHOLE_CHARS || !text.endsWith('Z')) return Date.parse(text)
  if (minute === '' || !text.startsWith(minute)) begin(text)
  if (minute === '') return Date.parse(text)
  const s = digit(text, 17) * 10 + digit(text, 18)
  const ms = digit(text, 20) * 100 + digit(text, 21) * 10 + digit(text, 22)
  return text[19] === '.' && s < 60 ? minuteMs + s * 1000 + ms : Date.parse(text)
}

function begin(text: string): void {
  minute = text.slice(0, MINUTE_CHARS)
  minuteMs = Date.parse(`${minute}00.000Z`)
  // only what would be written so again: no hour 24, no 30 February
  if (Number.isNaN(minuteMs) || !new Date(minuteMs).toISOString().startsWith(minute)) minute = ''
}

/** NaN where there is none, and so is every sum with it. */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48
  return value >= 0 && value <= 9 ? value : Number.NaN
}

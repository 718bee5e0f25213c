// Every error code of the system, in one list: HTTP status where it can reach a client, and what to do about it.
// docs/errors.md explains each; a test holds the two together.

export const ERROR_CODES = {
  // the door (MQTT)
  'bad-credentials': {
    status: 401,
    hint: 'Check the user name and password; `npm run admin -- device add` (devices) or `user password` (people) makes new ones.',
  },
  'message-stale': { status: 401, hint: 'Set the clock of whoever signs, and sign each try anew; see maxAgeS in docs/devices/push.md.' },
  'not-your-topic': {
    status: 403,
    hint: 'Publish under your own device id, or register the device `via` this gateway, or grant the prefix.',
  },
  'not-your-subscription': { status: 403, hint: 'A device may subscribe to its own cmd topic and to granted prefixes only.' },
  'client-id-refused': { status: 403, hint: 'Send a non-empty ClientId, or set the clean session flag.' },
  'payload-too-large': {
    status: 413,
    hint: 'Send less at once. The limit of MQTT is FENGSUI_MAX_PAYLOAD_BYTES in docs/settings.md; those of HTTP are in /api/docs.',
  },
  'protocol-version': { status: 400, hint: 'Connect with MQTT 3.1.1; MQTT 5 is not spoken here.' },
  'protocol-error': { status: 400, hint: 'The bytes are not a valid MQTT 3.1.1 packet; see the reason.' },
  'journal-unavailable': { status: 503, hint: 'Nothing was acknowledged; send again. Operator: see disk space and /readyz.' },
  'disk-reserve': {
    status: 503,
    hint: 'Nothing was acknowledged; send again. Operator: free disk space, alarms still get through; see FENGSUI_DISK_RESERVE_MB.',
  },
  'too-many-connections': { status: 503, hint: 'Wait and connect again with back-off and jitter.' },
  // decoding
  'json-invalid': { status: 422, hint: 'The payload must be UTF-8 JSON; the reason gives the position.' },
  'schema-violation': { status: 422, hint: 'Compare with contracts/schema; the reason gives the path and what is allowed.' },
  'device-id-mismatch': { status: 422, hint: 'deviceId in the payload must be the one in the topic.' },
  'kind-mismatch': { status: 422, hint: 'kind in the payload must be the one in the topic.' },
  'position-invalid': { status: 422, hint: 'Leave the position out while there is no fix; 0/0 is never a position.' },
  'position-outside-district': {
    status: 422,
    hint: 'Correct the position (the reason says what the mistake looks like), or FENGSUI_DISTRICT_DIR where the district is another.',
  },
  'clock-implausible': {
    status: 422,
    hint: 'The device clock is off: the reading was kept under server time. Set the clock, or mark stored readings history.',
  },
  'unknown-topic': { status: 422, hint: 'No decoder knows this topic; see docs/mqtt.md for the topics that are read.' },
  'decoder-failed': { status: 422, hint: 'The decoder could not make sense of the payload; the raw bytes are kept for a re-drive.' },
  'rule-failed': { status: 422, hint: 'A rule broke on this reading; it is kept aside. Report it with the reason, then re-drive.' },
  'store-rejected': { status: 422, hint: 'The reading store refused this reading; the reason carries its answer.' },
  // HTTP
  unauthenticated: { status: 401, hint: 'POST /api/v1/session first, or send Authorization: Bearer.' },
  forbidden: {
    status: 403,
    hint: 'The message says what is missing: a role or scope (ask an administrator), or a request from our own page.',
  },
  'invalid-request': { status: 400, hint: 'The message says which field and what is allowed; see /api/docs.' },
  'not-found': { status: 404, hint: 'Check the id; lists show what exists.' },
  conflict: { status: 409, hint: 'Somebody was first, or the state changed; read it again.' },
  'too-many-requests': { status: 429, hint: 'Wait as long as Retry-After says.' },
  'work-too-large': {
    status: 422,
    hint: 'Ask for less at once: fewer recordings, a shorter span. In a shell `npm run backtest` has no such limit.',
  },
  'flow-refused': {
    status: 422,
    hint: 'Nothing was changed. The reason names tab and scenario; correct the flow or its scenarios and deploy again.',
  },
  'flow-needs-approval': {
    status: 422,
    hint: 'The flows passed the gate and run in shadow; somebody with the role approver puts them into force.',
  },
  'camera-failed': {
    status: 502,
    hint: 'The message says why. Check address, login and network of the camera or its gateway; alarms do not depend on it.',
  },
  'room-unavailable': { status: 503, hint: 'One part of the system is restarting; try again. /readyz says which.' },
  internal: { status: 500, hint: 'Report the requestId with the log.' },
  // starting
  'setting-invalid': { status: 500, hint: 'Correct the setting; docs/settings.md lists all.' },
  'port-in-use': { status: 500, hint: 'Stop the other program or choose another port by setting.' },
  'data-dir-unwritable': { status: 500, hint: 'Choose a folder this user may write with FENGSUI_DATA_DIR.' },
  'sqlite-too-old': {
    status: 500,
    hint: 'Run with the Node version in package.json: SQLite before 3.51.3 can corrupt a WAL shared by two connections.',
  },
  'rules-invalid': { status: 422, hint: 'The reason gives file and path; the last good rule set stays in force.' },
  'rules-unwritable': { status: 500, hint: 'FENGSUI_RULES_DIR must be a folder that this user may write; nothing was changed.' },
  'district-invalid': { status: 500, hint: 'The district folder needs valid GeoJSON; the reason gives the file.' },
  'journal-damaged': {
    status: 500,
    hint: 'Run `npm run verify`; restore from a backup if it names a place before the tail. Quarantine lists the groups that were passed over.',
  },
  // backups
  'backup-refused': { status: 500, hint: 'Nothing was changed. The message says what stands in the way.' },
  'backup-damaged': { status: 500, hint: 'The backup is not as it was written; the message names the file. Take an older one.' },
  'restore-unfinished': {
    status: 500,
    hint: 'Empty the data folder and run `npm run restore -- DIR` again; nothing starts on half a restore.',
  },
  'process-start-failed': { status: 500, hint: 'See the log line before this one.' },
} as const satisfies Record<string, { status: number; hint: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** An error that says what was being done, what was wrong, and (through its code) what to do about it. */
export class FengsuiError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'FengsuiError'
    this.code = code
  }
  get hint(): string {
    return ERROR_CODES[this.code].hint
  }
  get status(): number {
    return ERROR_CODES[this.code].status
  }
}

// Every bound of the door in one place, with what happens at it. Tests may tighten them; nothing may loosen them at run time.

export type Limits = {
  /** sockets open at once; more are closed at once and counted */
  connections: number
  /** new sockets let in a second, and at once after a quiet time; later ones wait their turn, unread, and are closed after connectTimeoutMs */
  newConnectionsPerS: number
  newConnectionsAtOnce: number
  /** a socket that has not sent CONNECT by then is closed */
  connectTimeoutMs: number
  /** TLS handshakes under way; more wait their turn, unread, and are closed after connectTimeoutMs */
  handshakes: number
  /** a frame before CONNECT is accepted; larger ones close the socket before they are buffered */
  connectFrameBytes: number
  /** beyond the largest payload: fixed header, topic, packet id */
  frameOverheadBytes: number
  /** PUBLISH frames of one client that are not on disk yet; beyond it the socket is not read */
  inFlightOfClient: number
  inFlightBytesOfClient: number
  /** the same over all clients */
  inFlightBytes: number
  /** bytes a client has not taken: above the first for a second, or above the second at all, it is cut */
  slowBytes: number
  slowestBytes: number
  slowMs: number
  /** messages of QoS 1 and 2 sent to one client and not acknowledged; with more it is cut, so that no packet identifier is used twice */
  unacknowledged: number
  /** filters of one client; more get SUBACK 0x80 */
  subscriptionsOfClient: number
  /** messages kept for one persistent session that is away or does not acknowledge; more are not kept, a connected one is cut */
  queuedOfSession: number
  queued: number
  queuedBytes: number
  /** connections of one identity, of one with grants (a gateway, or a login that many devices share); the oldest makes room for one more */
  connectionsOfIdentity: number
  connectionsOfGateway: number
  sessions: number
  /** persistent sessions of one identity, also those without a subscription; its own oldest makes room for one more */
  sessionsBegunOfIdentity: number
  sessionsOfIdentity: number
  /** QoS 2 messages between PUBLISH and PUBREL; who sends one more is disconnected */
  halfDone: number
  halfDoneOfIdentity: number
  /** retained messages; more are delivered and journalled, but not retained */
  retained: number
  retainedBytes: number
}

export const LIMITS: Limits = {
  connections: 25_000,
  newConnectionsPerS: 2000,
  newConnectionsAtOnce: 4000,
  connectTimeoutMs: 10_000,
  handshakes: 2000,
  connectFrameBytes: 16 * 1024,
  frameOverheadBytes: 4 * 1024,
  inFlightOfClient: 256,
  inFlightBytesOfClient: 512 * 1024,
  inFlightBytes: 32 * 1024 * 1024,
  slowBytes: 256 * 1024,
  slowestBytes: 4 * 1024 * 1024,
  slowMs: 1000,
  unacknowledged: 10_000,
  subscriptionsOfClient: 1000,
  queuedOfSession: 1000,
  queued: 200_000,
  queuedBytes: 128 * 1024 * 1024,
  connectionsOfIdentity: 32,
  connectionsOfGateway: 5_000,
  sessions: 50_000,
  sessionsBegunOfIdentity: 256,
  sessionsOfIdentity: 16,
  halfDone: 200_000,
  halfDoneOfIdentity: 2000,
  retained: 200_000,
  retainedBytes: 128 * 1024 * 1024,
}

/** A device may save up so many seconds of its rate, and then send them at once. */
export const RATE_BURST_S = 10
/** A message of more bytes counts as so many messages as this goes into it; those of detectors have 200 to 900. */
export const MESSAGE_BYTES = 1024
/** An identity with grants is a gateway and speaks for many: so many times the rate of a device. */
export const GATEWAY_RATE = 20
/** MQTT 3.1.1 allows 65,535 bytes; no topic known to us needs more than 300. */
export const TOPIC_BYTES_MAX = 1024
/** Aedes matches no more, and throws beyond it. */
export const TOPIC_LEVELS_MAX = 100
/** How often keepalives are looked at: a silent client is cut at most this much after one and a half times its own. */
export const KEEPALIVE_TICK_MS = 250

/** How much of a refused payload is kept for the person who looks into it. */
export const SAMPLE_BYTES = 4 * 1024
/** Second net behind the cut above: how long Aedes may wait for one client's socket. */
export const DRAIN_TIMEOUT_MS = 5000
/** How long close() waits for messages that are on their way to disk. */
export const CLOSE_WAIT_MS = 5000

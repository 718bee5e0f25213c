// CONNECT: puts the ClientId into its owner's namespace, checks the password, and checks the will before it can ever be sent.
// Never says which of user name and password was wrong, and answers with the CONNACK code that MQTT has for it.
import { randomUUID } from 'node:crypto'
import type { AuthenticateError, Client, ConnectPacket } from 'aedes'
import { FengsuiError } from '#contracts/errors.ts'
import { BRIDGE_CLIENT, REDRIVE_CLIENT } from '#contracts/topic.ts'
import { ANONYMOUS, publishProblem, type Identity } from './access.ts'
import type { Credentials } from './credentials.ts'
import { Guard } from './guard.ts'
import { UNKNOWN_PEER, type Peer, type Shown } from './peer.ts'
import { newSession, Refused, type KeptSessions, type Problem, type Session, type Sessions, type Will } from './sessions.ts'
import { textProblem } from './text-rules.ts'
import type { LoginThrottle } from './throttle.ts'

export type EntryOptions = {
  credentials: Pick<Credentials, 'check' | 'checkCertificate' | 'knows'>
  anonymous: boolean
  maxPayloadBytes: number
  /** Registers a device that showed a good certificate and is not known. false = that may not be. Without it unknown devices are refused. */
  provision?: ((shown: Shown & { deviceId: string }) => boolean) | undefined
}
type Decided = (error: AuthenticateError | null, ok: boolean | null) => void

/** CONNACK return codes [MQTT-3.2.2.3]. */
const IDENTIFIER_REJECTED = 2
const UNAVAILABLE = 3
const BAD_CREDENTIALS = 4
const NOT_AUTHORIZED = 5

export class Entry {
  readonly #o: EntryOptions
  readonly #sessions: Sessions
  readonly #kept: KeptSessions
  readonly #throttle: LoginThrottle

  constructor(o: EntryOptions, sessions: Sessions, kept: KeptSessions, throttle: LoginThrottle) {
    this.#o = o
    this.#sessions = sessions
    this.#kept = kept
    this.#throttle = throttle
  }

  /**
   * Aedes hands a session to whoever comes with its ClientId [MQTT-3.1.4-2], so a foreign ClientId would kick its owner out or
   * inherit its queue. As `username/clientId` it can only be the same identity's: the password is checked before the session
   * is taken, and no user name holds a slash. Those without a user name share the namespace of a name nobody can be given.
   */
  readonly preConnect = (client: Client, packet: ConnectPacket, done: (error: Error | null, ok: boolean) => void): void => {
    const { clientId, clean } = packet
    const peer = peerOf(client)
    if (this.#o.anonymous && packet.username !== undefined && !this.#o.credentials.knows(packet.username)) {
      delete packet.username // means no more than none where anybody may come in; one that is known is checked
      delete packet.password
    }
    const username = peer.certificate?.deviceId ?? packet.username ?? ANONYMOUS.username
    const nameless =
      packet.protocolVersion === 3
        ? 'an empty ClientId in MQTT 3.1'
        : clean
          ? null
          : 'an empty ClientId with a persistent session [MQTT-3.1.3-8]'
    const reserved = [REDRIVE_CLIENT, BRIDGE_CLIENT].find(prefix => clientId.startsWith(prefix))
    const taken = reserved === undefined ? null : `a ClientId that begins with ${reserved}: the system's own`
    const clientIdProblem = clientId === '' ? nameless : (taken ?? textProblem(clientId))
    packet.clientId = `${username}/${clientId === '' ? `auto-${randomUUID()}` : clientId}`
    const session = newSession(username, clientId, {
      will: packet.will ?? null,
      clientIdProblem,
      keepaliveMs: (packet.keepalive ?? 0) * 1000,
      resumes: !clean && this.#kept.has(packet.clientId),
      isReturning: !clean,
      address: peer.address,
    })
    packet.keepalive = 0 // ours to watch: Aedes does not see most packets
    this.#sessions.begin(client, session)
    if (client.conn instanceof Guard) client.conn.begin(session)
    done(null, true)
  }

  readonly authenticate = (client: Client, username: string | undefined, password: Buffer | undefined, done: Decided): void => {
    this.#decide(client, username, password).then(
      refusal => done(refusal, refusal === null),
      (error: unknown) => {
        const reason = `checking credentials: ${error instanceof Error ? error.message : String(error)}`
        this.#sessions.report({ code: error instanceof FengsuiError ? error.code : 'internal', reason }, client)
        done(connack(UNAVAILABLE, reason), null)
      },
    )
  }

  async #decide(client: Client, username: string | undefined, password: Buffer | undefined): Promise<AuthenticateError | null> {
    const session = this.#sessions.of(client)
    if (session === undefined) return connack(UNAVAILABLE, 'no CONNECT came before this')
    if (session.clientIdProblem !== null)
      return this.#refuse(client, IDENTIFIER_REJECTED, { code: 'client-id-refused', reason: session.clientIdProblem })
    const identity = await this.#identify(peerOf(client), username, password)
    if ('reason' in identity) {
      if (identity.code === 'too-many-requests') return this.#refuse(client, UNAVAILABLE, identity)
      return this.#refuse(client, BAD_CREDENTIALS, identity)
    }
    const problem = this.#willProblem(identity, session)
    if (problem !== null) return this.#refuse(client, NOT_AUTHORIZED, problem, session.will)
    session.identity = identity
    this.#kept.connected(client.id, client.clean)
    return null
  }

  async #identify(peer: Peer, username: string | undefined, password: Buffer | undefined): Promise<Identity | Problem> {
    if (peer.certificate !== null) return this.#byCertificate(peer.certificate, username, password)
    if (username === undefined) return this.#o.anonymous ? ANONYMOUS : { code: 'bad-credentials', reason: 'no user name was given' }
    const waitMs = this.#throttle.waitMs(username, peer.address)
    if (waitMs > 0) {
      const reason = `too many wrong passwords of this user name or address: not looked at for ${Math.ceil(waitMs / 1000)} s`
      return { code: 'too-many-requests', reason }
    }
    const identity = await this.#o.credentials.check(username, password?.toString('utf8') ?? '')
    if (identity === null) this.#throttle.wrong(username, peer.address)
    else this.#throttle.right(username, peer.address)
    return identity ?? { code: 'bad-credentials', reason: 'unknown user name or wrong password' }
  }

  /** The certificate says who it is; a user name may say the same, a password that is given must be right if there is one. */
  async #byCertificate(shown: Shown, username: string | undefined, password: Buffer | undefined): Promise<Identity | Problem> {
    const { deviceId, subject } = shown
    const refuse = (reason: string): Problem => ({ code: 'bad-credentials', reason })
    if (deviceId === null) return refuse(`the certificate ${subject} names no device id`)
    if (username !== undefined && username !== deviceId) return refuse(`the certificate is of ${deviceId}, the user name of ${username}`)
    const given = password === undefined || password.length === 0 ? null : password.toString('utf8')
    const known = await this.#o.credentials.checkCertificate(deviceId, given)
    if (typeof known !== 'string') return known
    if (known === 'wrong-password') return refuse('the certificate is right, the password is not')
    if (known === 'revoked') return refuse(`${deviceId} was removed or revoked; register it anew`)
    if (this.#o.provision?.({ ...shown, deviceId }) !== true) return refuse(`${deviceId} has a good certificate and is not registered`)
    const provisioned = await this.#o.credentials.checkCertificate(deviceId, null)
    return typeof provisioned === 'string' ? refuse(`${deviceId} could not be registered`) : provisioned
  }

  #willProblem(identity: Identity, { will }: Session): Problem | null {
    if (will === null) return null
    const problem = publishProblem(identity, will.topic)
    if (problem !== null) return { code: problem.code, reason: `last will: ${problem.reason}` }
    const bytes = Buffer.byteLength(will.payload)
    if (bytes <= this.#o.maxPayloadBytes) return null
    return { code: 'payload-too-large', reason: `last will of ${bytes} bytes; the bound is ${this.#o.maxPayloadBytes}` }
  }

  #refuse(client: Client, returnCode: 2 | 3 | 4 | 5, problem: Problem, will: Will | null = null): AuthenticateError {
    this.#sessions.report(problem, client, will === null ? {} : { topic: will.topic, payload: will.payload })
    return connack(returnCode, problem.reason)
  }
}

const peerOf = (client: Client): Peer => (client.conn instanceof Guard ? client.conn.peer : UNKNOWN_PEER)

/** Aedes types the code as an enum that exists only in its declarations. */
function connack(returnCode: 2 | 3 | 4 | 5, reason: string): AuthenticateError {
  const error: unknown = Object.assign(new Refused(reason), { returnCode })
  return error as AuthenticateError
}

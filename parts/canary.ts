// Wires the canary: credentials of its own, made anew at each start, and a connection over TCP to the door as any device has it.
import { connect, isIPv6 } from 'node:net'
import type { SendCanary } from '../canary.ts'
import { CANARY_ID, CANARY_TOPIC } from '#contracts/topic.ts'
import type { Settings } from '../settings.ts'

const CONNECT_MS = 8_000

type Issue = (o: { deviceId: string; grants: string[] }) => Promise<{ username: string; password: string }>

/** The door listens on every address of the machine, or on that one. */
const hostOf = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)

export async function canaryBy(settings: Pick<Settings, 'host' | 'mqttPort' | 'proxyProtocol'>, issue: Issue): Promise<SendCanary> {
  const { username, password } = await issue({ deviceId: CANARY_ID, grants: [CANARY_TOPIC] })
  const host = hostOf(settings.host)
  const open = () => {
    const socket = connect({ host, port: settings.mqttPort, family: isIPv6(host) ? 6 : 4 })
    // a door behind a proxy expects to be told first who calls (PROXY protocol, 2.1)
    if (settings.proxyProtocol) socket.write('PROXY UNKNOWN\r\n')
    return socket
  }
  return async payload => {
    // not before it flies: the start does not wait for it
    const { default: mqtt } = await import('mqtt')
    await new Promise<void>((resolve, reject) => {
      const options = {
        clientId: CANARY_ID,
        username,
        password,
        clean: true,
        reconnectPeriod: 0,
        connectTimeout: CONNECT_MS,
        protocolVersion: 4,
      } as const
      const client = new mqtt.MqttClient(open, options)
      const limit = setTimeout(() => done(new Error(`not acknowledged within ${CONNECT_MS / 1000} s`)), CONNECT_MS)
      function done(error?: Error): void {
        clearTimeout(limit)
        client.end(true)
        if (error === undefined) resolve()
        else reject(error)
      }
      client.on('error', done)
      client.on('close', () => done(new Error('the connection was closed')))
      client.on('connect', () => client.publish(CANARY_TOPIC, payload, { qos: 1 }, error => done(error ?? undefined)))
    })
  }
}

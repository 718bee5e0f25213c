// `node simulators/gbt26875.ts --port N [--host H] [--address N] [--fire]`: a user information transmission device that sends heartbeats to
// a centre, tells a fire if asked to, and prints what it is answered. Ends with Ctrl-C.
import { parseArgs } from 'node:util'
import { Transmitter } from './transmitter.ts'

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    address: { type: 'string', default: '5001' },
    'heartbeat-s': { type: 'string', default: '25' },
    fire: { type: 'boolean', default: false },
  },
})
if (values.port === undefined) {
  console.error('--port is missing: the port that FENGSUI_GBT26875_PORT names')
  process.exit(2)
}
const transmitter = await Transmitter.connect({
  host: values.host,
  port: Number(values.port),
  address: Number(values.address),
  heartbeatMs: Number(values['heartbeat-s']) * 1000,
  ordered: type => console.log(`the centre ordered ${type === 90 ? 'the clock to be set' : type === 91 ? 'a duty check' : `type ${type}`}`),
})
console.log(`heartbeat: ${await transmitter.heartbeat()}`)
if (values.fire) {
  const smoke = { type: 40, zone: 3, position: 17, status: 0x0002, text: 'corridor 3F', atMs: Date.now() }
  console.log(`fire of component 3.17: ${await transmitter.components([smoke])}`)
}
process.on('SIGINT', () => (transmitter.close(), process.exit(0)))

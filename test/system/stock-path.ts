// What people build otherwise, as a process of its own for faults-control.test.ts: Aedes acknowledges, a subscriber writes points with the
// InfluxDB client as its examples do (default write options). Argument: the InfluxDB's address. Nothing of ours.
import { createServer, type AddressInfo } from 'node:net'
import { InfluxDB, Point } from '@influxdata/influxdb-client'
import { Aedes } from 'aedes'

type Told = { deviceId: string; ts: number; metrics: Record<string, number> }
const writer = new InfluxDB({ url: process.argv[2] ?? '', token: 'none' }).getWriteApi('', 'fire', 'ms')
const aedes = await Aedes.createBroker()
aedes.subscribe(
  'fire/#',
  (packet, done) => {
    const { deviceId, ts, metrics } = JSON.parse(packet.payload.toString()) as Told
    const point = new Point('environment').tag('device', deviceId).timestamp(ts)
    for (const [name, value] of Object.entries(metrics)) point.floatField(name, value)
    writer.writePoint(point)
    done()
  },
  () => {
    const server = createServer(socket => void aedes.handle(socket))
    server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
  },
)
process.once('disconnect', () => process.exit(0))

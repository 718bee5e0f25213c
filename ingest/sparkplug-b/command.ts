// The one command that is given to an edge node of its own accord: NCMD with `Node Control/Rebirth` true. Written to protobuf by hand, as
// it is read. No seq (tck-id-payloads-ncmd-seq), sent at QoS 0 and not retained (tck-id-payloads-ncmd-qos, -retain).
const NAME = Buffer.from('Node Control/Rebirth')
const BOOLEAN = 11

export function rebirthCommand(nowMs: number): Uint8Array {
  const timestamp = varint(nowMs)
  const metric = [...field(1, 2), NAME.length, ...NAME, ...field(3, 0), ...timestamp, ...field(4, 0), BOOLEAN, ...field(14, 0), 1]
  return Uint8Array.from([...field(1, 0), ...timestamp, ...field(2, 2), metric.length, ...metric])
}

const field = (number: number, wire: number): number[] => varint(number * 8 + wire)
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

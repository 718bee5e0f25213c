// A camera gateway for tests on a real port: MJPEG that can be frozen and cut, HLS of a film that Chromium recorded, WebRTC whose other end is a
// second page of the browser, and an address that hangs. Its pictures are real ones.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'

const PAINT = `
  const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 })
  const brush = canvas.getContext('2d')
  let n = 0
  const paint = () => {
    brush.fillStyle = ['#a00', '#0a0', '#00a'][n++ % 3]
    brush.fillRect(0, 0, 160, 90)
  }
  paint()`
const JPEGS = `(() => { ${PAINT}; return [1, 2, 3].map(() => (paint(), canvas.toDataURL('image/jpeg').split(',')[1])) })()`
const RECORD = `(async () => { ${PAINT}
  const timer = setInterval(paint, 50)
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/mp4;codecs=vp9' })
  const parts = []
  recorder.ondataavailable = event => parts.push(event.data)
  recorder.start()
  await new Promise(done => setTimeout(done, 1500))
  recorder.stop()
  await new Promise(done => (recorder.onstop = done))
  clearInterval(timer)
  const reader = new FileReader()
  reader.readAsDataURL(new Blob(parts))
  await new Promise(done => (reader.onload = done))
  return reader.result.split(',')[1]
})()`
const ANSWER = `async offer => { ${PAINT}
  setInterval(paint, 50)
  const peer = new RTCPeerConnection()
  for (const track of canvas.captureStream(20).getTracks()) peer.addTrack(track)
  await peer.setRemoteDescription({ type: 'offer', sdp: offer })
  await peer.setLocalDescription(await peer.createAnswer())
  if (peer.iceGatheringState !== 'complete')
    await new Promise(done => { peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done(); setTimeout(done, 1000) })
  globalThis.peer = peer
  return peer.localDescription.sdp
}`
const PLAYLIST = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-MAP:URI="init.mp4"
#EXTINF:1.5,
film.m4s
#EXT-X-ENDLIST
`

/** Where the first fragment begins and the last one ends (ISO 14496-12). */
function cut(film: Buffer): { init: Buffer; media: Buffer } {
  const boxes: { type: string; from: number; to: number }[] = []
  for (let at = 0; at + 8 <= film.length; at = boxes.at(-1)!.to)
    boxes.push({ type: film.toString('latin1', at + 4, at + 8), from: at, to: at + film.readUInt32BE(at) })
  const from = boxes.find(box => box.type === 'moof')!.from
  return { init: film.subarray(0, from), media: film.subarray(from, boxes.findLast(box => box.type === 'mdat')!.to) }
}

export async function openGateway(browser: Browser) {
  const page: Page = await browser.newPage()
  const jpegs = ((await page.evaluate(JPEGS)) as string[]).map(one => Buffer.from(one, 'base64'))
  const film = cut(Buffer.from((await page.evaluate(RECORD)) as string, 'base64'))
  const watching = new Set<ServerResponse>()
  let isFrozen = false
  const mjpeg = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=b' })
    watching.add(response)
    response.on('close', () => watching.delete(response))
  }
  let n = 0
  const timer = setInterval(() => {
    const jpeg = jpegs[n++ % jpegs.length]!
    for (const response of isFrozen ? [] : watching) {
      response.write(`--b\r\ncontent-type: image/jpeg\r\ncontent-length: ${jpeg.length}\r\n\r\n`)
      response.write(jpeg)
      response.write('\r\n')
    }
  }, 100)
  const files: Record<string, Buffer | string> = { '/live.m3u8': PLAYLIST, '/init.mp4': film.init, '/film.m4s': film.media }
  const server = createServer((request, response) => {
    const { url = '', method } = request
    if (url === '/mjpeg') return mjpeg(response)
    if (url in files) return void response.end(files[url])
    if (method !== 'POST') return undefined
    let offer = ''
    request.on('data', (chunk: Buffer) => (offer += chunk.toString()))
    request.on('end', () => {
      void page.evaluate(`(${ANSWER})(${JSON.stringify(offer)})`).then(answer => response.writeHead(201).end(answer))
    })
    return undefined
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => void (isFrozen = true),
    thaw: () => void (isFrozen = false),
    cut() {
      for (const response of watching) response.destroy()
    },
    async close() {
      clearInterval(timer)
      server.closeAllConnections()
      server.close()
      await page.close()
    },
  }
}

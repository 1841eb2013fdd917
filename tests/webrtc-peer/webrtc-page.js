// The page of a tab that is a peer over ion-webrtc: it holds the peer
// connections and passes calls on to the worker that has the swarm.

const worker = new Worker('webrtc-worker.js')
const { port1, port2 } = new MessageChannel()
const waiting = new Map()
let next = 0
let id
globalThis.page = wasm_bindgen({ module_or_path: 'webrtc_peer_bg.wasm' }).then(() => new wasm_bindgen.Page(port1))

worker.onmessage = ({ data: { number, value, why } }) => {
  const { resolve, reject } = waiting.get(number)
  waiting.delete(number)
  if (why === undefined) resolve(value)
  else reject(new Error(why))
}
// A panic ends the worker's wasm; whoever waits hears why.
worker.onerror = (event) => {
  for (const { reject } of waiting.values()) reject(new Error(event.message))
}

function call (name, args, transfer = []) {
  return new Promise((resolve, reject) => {
    waiting.set(next, { resolve, reject })
    worker.postMessage({ number: next++, name, args }, transfer)
  })
}

globalThis.testPeer = {
  // Resolves once all code is loaded.
  ready: () => page.then(() => call('load', [])).then(() => true),
  // Resolves to the peer's id once the relay can introduce it.
  async start (relay) {
    await page
    id = await call('make', [port2, crypto.getRandomValues(new Uint8Array(32))], [port2])
    await call('start', [relay])
    return id
  },
  id: () => id
}
for (const name of ['addresses', 'dial', 'connections', 'identify', 'ping', 'send', 'transfer', 'roundTrips', 'served']) {
  testPeer[name] = (...args) => call(name, args)
}

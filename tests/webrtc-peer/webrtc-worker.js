// The worker that has the swarm.

importScripts('webrtc_peer.js')
const ready = wasm_bindgen({ module_or_path: 'webrtc_peer_bg.wasm' })
// Answers that are JSON in a text.
const TEXTS = ['addresses', 'dial', 'connections', 'send', 'identify', 'served']
let peer

async function run (name, args) {
  await ready
  if (name === 'load') return
  if (name === 'make') {
    peer = new wasm_bindgen.Peer(...args)
    return peer.id()
  }
  const value = await peer[name](...args)
  if (TEXTS.includes(name)) return JSON.parse(value)
  return name === 'roundTrips' ? Array.from(value) : value
}

onmessage = async ({ data: { number, name, args } }) => {
  try {
    postMessage({ number, value: await run(name, args) })
  } catch (error) {
    postMessage({ number, why: String(error) })
  }
}

// A js-libp2p peer without a browser:
//   node.cjs listen RELAY             waits to be reached; ends when it is killed
//   node.cjs reach RELAY PEER BYTES   reaches one through the relay, says what it saw, ends
// It prints one line of JSON after a word: `listening` or `reached`.

import { Peer } from './peer.js'

const say = (word, what) => console.log(`${word} ${JSON.stringify(what)}`)

async function listen (relay) {
  const peer = await Peer.start(relay)
  say('listening', { id: peer.id(), addresses: peer.addresses() })
}

async function reach (relay, other, bytes) {
  const peer = await Peer.start(relay)
  const dialed = await peer.dial(`${relay}/p2p-circuit/p2p/${other}`)
  const identified = await peer.identify(other)
  const pingMs = await peer.ping(other)
  const exchanged = await peer.send(other, Number(bytes))
  say('reached', { dialed, identified, pingMs, exchanged })
  await peer.stop()
}

const PROGRAMS = { listen, reach }
const [program, ...words] = process.argv.slice(2)
if (!(program in PROGRAMS)) {
  console.error('usage: node.cjs listen RELAY | reach RELAY PEER BYTES')
  process.exit(2)
}
PROGRAMS[program](...words).catch((error) => {
  console.error(error)
  process.exit(1)
})

// The page of a tab that is a js-libp2p peer. Tests call `testPeer`.

import { webRTC } from '@libp2p/webrtc'
import { Peer } from './peer.js'

let peer

globalThis.testPeer = {
  // Resolves once all code is loaded.
  ready: async () => true,
  // Resolves to the peer's id once the relay can introduce it.
  async start (relay) {
    // No servers: only what this machine knows of itself.
    const direct = webRTC({ rtcConfiguration: { iceServers: [] } })
    peer = await Peer.start(relay, { transports: [direct], listen: ['/webrtc'] })
    return peer.id()
  },
  id: () => peer.id(),
  addresses: () => peer.addresses(),
  dial: (address) => peer.dial(address),
  connections: (other) => peer.connections(other),
  identify: (other) => peer.identify(other),
  ping: (other) => peer.ping(other),
  send: (other, bytes) => peer.send(other, bytes),
  transfer: (other, bytes) => peer.transfer(other, bytes),
  roundTrips: (other, count, bytes) => peer.roundTrips(other, count, bytes),
  served: () => peer.served,
  stop: () => peer.stop()
}

// A js-libp2p peer of the tests: reachable through a relay, it identifies
// itself, answers pings and serves the echo protocol. Which transports it has
// is up to the program; nothing here knows Ionosphere.

import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { ECHO, SINK, exchange, roundTrips, serveEcho, serveSink, transfer } from './echo.js'

// Milliseconds that any step may take.
const STEP_MS_MAX = 40_000

export class Peer {
  // `relay`: the relay's address, with its id. `extra`: further transports and
  // what they listen on.
  static async start (relay, extra = { transports: [], listen: [] }) {
    const peer = new Peer()
    peer.served = []
    // By connection: what the other side said of itself.
    peer.identified = new Map()
    peer.node = await createLibp2p({
      addresses: { listen: [`${relay}/p2p-circuit`, ...extra.listen] },
      transports: [webSockets(), circuitRelayTransport(), ...extra.transports],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      // By default a browser refuses to dial this machine's own addresses.
      connectionGater: { denyDialMultiaddr: () => false },
      services: { identify: identify(), ping: ping() }
    })
    peer.node.addEventListener('peer:identify', ({ detail }) => peer.identified.set(detail.connection.id, detail))
    peer.node.addEventListener('connection:close', ({ detail }) => peer.identified.delete(detail.id))
    await peer.node.handle(ECHO, (stream, connection) => serveEcho(stream, connection, peer.served), { runOnLimitedConnection: true })
    await peer.node.handle(SINK, (stream, connection) => serveSink(stream, connection, peer.served))
    await peer.reserved()
    return peer
  }

  id () {
    return this.node.peerId.toString()
  }

  addresses () {
    return this.node.getMultiaddrs().map(String)
  }

  // Waits until the relay has given a reservation, which shows as an address.
  async reserved () {
    const isReserved = () => this.addresses().some((address) => address.includes('/p2p-circuit'))
    await this.until('self:peer:update', isReserved, 'no reservation')
  }

  // Dials; what connection came of it, and after how many milliseconds.
  async dial (address) {
    const start = performance.now()
    const connection = await this.node.dial(multiaddr(address), { signal: AbortSignal.timeout(STEP_MS_MAX) })
    return { ...describe(connection), ms: performance.now() - start }
  }

  // Every connection, or those with one peer.
  connections (peer) {
    return this.node.getConnections().filter((one) => peer == null || String(one.remotePeer) === peer).map(describe)
  }

  // Who the other is, as identify told on the best connection. js-libp2p asks
  // by itself and allows one question at a time, so this one only waits.
  async identify (peer) {
    const { id } = this.best(peer)
    await this.until('peer:identify', () => this.identified.has(id), `${peer} did not identify itself`)
    const said = this.identified.get(id)
    return { id: String(said.peerId), agent: said.agentVersion, protocols: said.protocols }
  }

  // Milliseconds there and back.
  async ping (peer) {
    return this.node.services.ping.ping(this.best(peer).remotePeer, { signal: AbortSignal.timeout(STEP_MS_MAX) })
  }

  // Sends bytes and takes them back, on the direct connection where one stands.
  async send (peer, bytes) {
    return exchange(this.best(peer), bytes)
  }

  // Milliseconds to move that many bytes to the other side.
  async transfer (peer, bytes) {
    return transfer(this.best(peer), bytes)
  }

  // The milliseconds of each round trip on one stream.
  async roundTrips (peer, count, bytes) {
    return roundTrips(this.best(peer), count, bytes)
  }

  async stop () {
    await this.node.stop()
  }

  // Waits until `isSo`, looking again after each such event.
  async until (event, isSo, otherwise) {
    const signal = AbortSignal.timeout(STEP_MS_MAX)
    while (!isSo()) {
      await new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error(`${otherwise} after ${STEP_MS_MAX} ms`)))
        this.node.addEventListener(event, resolve, { once: true })
      })
    }
  }

  // The direct connection to a peer where one stands, else the relayed one.
  best (peer) {
    const all = this.node.getConnections().filter((one) => String(one.remotePeer) === peer && one.status === 'open')
    const found = all.find((one) => one.direct) ?? all[0]
    if (found == null) throw new Error(`there is no connection to ${peer}`)
    return found
  }
}

function describe (connection) {
  return {
    peer: String(connection.remotePeer),
    address: String(connection.remoteAddr),
    isDirect: connection.direct,
    isLimited: connection.limits != null,
    direction: connection.direction,
    status: connection.status,
    streams: connection.streams.map((stream) => stream.protocol)
  }
}

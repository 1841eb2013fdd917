// What two tabs can do with a data channel and nothing else: the measure of
// what a transport adds to it. Signaling is by hand: the test carries the
// descriptions from one page to the other.

let connection
let channel
// What the next message of the other side is for.
let onMessage = () => {}

function make () {
  connection = new RTCPeerConnection({ iceServers: [] })
}

function use (made) {
  channel = made
  channel.binaryType = 'arraybuffer'
  channel.onmessage = (event) => onMessage(event.data)
}

// The local description with every candidate in it.
async function described () {
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => { connection.onicegatheringstatechange = resolve })
  }
  return connection.localDescription.sdp
}

// Messages of `messageBytes` until `totalBytes` are sent, never more than
// `highBytes` in the browser's buffer, going on at `lowBytes`.
async function send ({ messageBytes, totalBytes, highBytes, lowBytes }) {
  const message = new Uint8Array(messageBytes)
  channel.bufferedAmountLowThreshold = lowBytes
  for (let sent = 0; sent < totalBytes; sent += messageBytes) {
    if (channel.bufferedAmount > highBytes) {
      await new Promise((resolve) => { channel.onbufferedamountlow = resolve })
    }
    channel.send(message)
  }
}

globalThis.raw = {
  async offer () {
    make()
    use(connection.createDataChannel('raw'))
    await connection.setLocalDescription()
    return described()
  },
  async answer (sdp) {
    make()
    connection.ondatachannel = (event) => use(event.channel)
    await connection.setRemoteDescription({ type: 'offer', sdp })
    await connection.setLocalDescription()
    return described()
  },
  // Resolves once messages can be sent.
  async open (sdp) {
    await connection.setRemoteDescription({ type: 'answer', sdp })
    if (channel.readyState !== 'open') await new Promise((resolve) => { channel.onopen = resolve })
  },
  // Whether this side's channel can be used.
  isOpen: () => channel?.readyState === 'open',
  // Takes that many bytes, then says so to the other side.
  sink (totalBytes) {
    let received = 0
    onMessage = (data) => {
      received += data.byteLength
      if (received >= totalBytes) channel.send('all')
    }
  },
  // Sends back whatever comes.
  mirror () {
    onMessage = (data) => channel.send(data)
  },
  // Milliseconds from the first message until the other side has all.
  async transfer (setting) {
    const done = new Promise((resolve) => { onMessage = resolve })
    const start = performance.now()
    await send(setting)
    await done
    return performance.now() - start
  },
  // Milliseconds until that many things went there and came back, `batch` of `bytes` each
  // in a message, at most `underWay` of them on their way.
  async messages ({ count, batch, bytes, underWay }) {
    const message = new Uint8Array(batch * bytes)
    const start = performance.now()
    let sent = 0
    let come = 0
    const more = () => {
      for (; sent < count && sent + batch <= come + underWay; sent += batch) channel.send(message)
    }
    await new Promise((resolve) => {
      onMessage = () => {
        come += batch
        if (come >= count) resolve()
        else more()
      }
      more()
    })
    return performance.now() - start
  },
  // The milliseconds of each of `count` round trips of `bytes` bytes.
  async roundTrips (count, bytes) {
    const message = new Uint8Array(bytes)
    const took = []
    for (let at = 0; at < count; at++) {
      const start = performance.now()
      await new Promise((resolve) => {
        onMessage = resolve
        channel.send(message)
      })
      took.push(performance.now() - start)
    }
    return took
  }
}

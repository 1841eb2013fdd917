// The streams that the tests move bytes over.
//
// Echo: whoever accepts one sends every byte back and ends when the other side
// ends. Whoever opens one keeps at most WINDOW_BYTES under way, because data
// channels have no flow control: without it a slow reader's buffer would
// overflow.
//
// Sink: whoever accepts one takes all until the other side ends, answers with
// the count, and ends.

export const ECHO = '/ionosphere-test/echo/1'
export const SINK = '/ionosphere-test/sink/1'

// Bytes that may be under way, sent but not back yet.
const WINDOW_BYTES = 1024 * 1024
// Bytes handed to the stream at a time.
const PIECE_BYTES = 64 * 1024
// Milliseconds that an exchange may take; then it is reset and fails.
const EXCHANGE_MS_MAX = 50_000

// The bytes that everyone sends: xorshift32 from 1, four bytes a step, the
// lowest first. The tests know their hash without asking anybody here.
export function pattern (length) {
  const bytes = new Uint8Array(length)
  let state = 1
  for (let at = 0; at < length; at++) {
    if (at % 4 === 0) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
    }
    bytes[at] = state >>> (8 * (at % 4))
  }
  return bytes
}

// Serves one inbound echo stream; what became of it goes to `served`.
export async function serveEcho (stream, connection, served) {
  await recorded(stream, connection, served, async (record) => {
    for await (const piece of stream) {
      record.bytes += piece.byteLength
      if (!stream.send(piece)) await stream.onDrain()
    }
  })
}

// Serves one inbound sink stream.
export async function serveSink (stream, connection, served) {
  await recorded(stream, connection, served, async (record) => {
    for await (const piece of stream) record.bytes += piece.byteLength
    const count = new Uint8Array(8)
    new DataView(count.buffer).setBigUint64(0, BigInt(record.bytes))
    stream.send(count)
  })
}

async function recorded (stream, connection, served, work) {
  const record = { peer: connection.remotePeer.toString(), over: connection.remoteAddr.toString(), bytes: 0, end: 'open' }
  served.push(record)
  const closed = closing(stream)
  try {
    await work(record)
    await stream.close()
    record.end = await closed
  } catch (error) {
    stream.abort(error)
    record.end = String(error)
  }
}

// Milliseconds from the first byte until the other side says that it has all.
export async function transfer (connection, length) {
  const stream = await connection.newStream(SINK)
  const piece = new Uint8Array(PIECE_BYTES)
  const start = performance.now()
  for (let sent = 0; sent < length; sent += piece.length) {
    if (!stream.send(piece)) await stream.onDrain()
  }
  await stream.close()
  let answered = 0
  for await (const answer of stream) answered += answer.byteLength
  if (answered !== 8) throw new Error(`an answer of ${answered} bytes`)
  return performance.now() - start
}

// The milliseconds of each of `count` round trips of `bytes` bytes, on one stream.
export async function roundTrips (connection, count, bytes) {
  const stream = await connection.newStream(ECHO)
  const pieces = stream[Symbol.asyncIterator]()
  const message = new Uint8Array(bytes)
  const took = []
  for (let at = 0; at < count; at++) {
    const start = performance.now()
    stream.send(message)
    for (let back = 0; back < bytes;) {
      const next = await pieces.next()
      if (next.done) throw new Error('the stream ended between two round trips')
      back += next.value.byteLength
    }
    took.push(performance.now() - start)
  }
  await stream.close()
  return took
}

// Sends `length` bytes over a fresh stream and takes them back. Times are in
// milliseconds; `closeMs` is from the last byte to the stream's clean end.
export async function exchange (connection, length) {
  const signal = AbortSignal.timeout(EXCHANGE_MS_MAX)
  const start = performance.now()
  const stream = await connection.newStream(ECHO, { signal, runOnLimitedConnection: true })
  signal.addEventListener('abort', () => stream.abort(new Error('the exchange took too long')))
  const openMs = performance.now() - start
  const closed = closing(stream)
  const sent = pattern(length)
  const back = new Returned(length)
  await Promise.all([send(stream, sent, back), receive(stream, back)])
  const last = performance.now()
  const end = await closed
  return {
    over: connection.remoteAddr.toString(),
    bytes: back.count,
    sent: await sha256(sent),
    back: await sha256(back.bytes.subarray(0, back.count)),
    openMs,
    ms: last - start,
    closeMs: performance.now() - last,
    end
  }
}

async function send (stream, bytes, back) {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    await back.until(at + PIECE_BYTES - WINDOW_BYTES)
    if (!stream.send(bytes.subarray(at, at + PIECE_BYTES))) await stream.onDrain()
  }
  await stream.close()
}

async function receive (stream, back) {
  try {
    for await (const piece of stream) back.add(piece.subarray())
  } finally {
    back.end()
  }
}

// What has come back, and who waits for more of it.
class Returned {
  constructor (length) {
    this.bytes = new Uint8Array(length)
    this.count = 0
    this.isOver = false
    this.waiting = []
  }

  add (piece) {
    if (this.count + piece.length > this.bytes.length) throw new Error('more came back than was sent')
    this.bytes.set(piece, this.count)
    this.count += piece.length
    this.wake()
  }

  end () {
    this.isOver = true
    this.wake()
  }

  async until (count) {
    while (this.count < count && !this.isOver) await new Promise((resolve) => this.waiting.push(resolve))
    if (this.count < count) throw new Error('the stream ended before all was back')
  }

  wake () {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

// How the stream will have ended: 'clean', or the reason.
function closing (stream) {
  return new Promise((resolve) => {
    stream.addEventListener('close', (event) => resolve(event.error == null ? 'clean' : String(event.error)), { once: true })
  })
}

async function sha256 (bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

// What a page can do with IndexedDB and nothing else: the measure of what an ion
// adds to it. Values are byte arrays, transactions of durability "relaxed".

globalThis.rawDisk = (() => {
  const STORE = 'chunks'
  let database

  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const complete = (transaction) => new Promise((resolve, reject) => {
    transaction.oncomplete = resolve
    transaction.onabort = () => reject(transaction.error)
  })

  // Bytes that repeat nowhere, other ones every time.
  function varied (length) {
    const words = new Uint32Array(length / 4)
    let state = crypto.getRandomValues(new Uint32Array(1))[0] | 1
    for (let at = 0; at < words.length; at++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[at] = state
    }
    return new Uint8Array(words.buffer)
  }

  // Keys in no order, as hashes are.
  function keys (count) {
    return Array.from({ length: count }, () => crypto.getRandomValues(new Uint8Array(36)))
  }

  async function open (name) {
    database?.close()
    const request = indexedDB.open(name)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE)
    database = await done(request)
  }

  const transaction = (mode) => database.transaction(STORE, mode, { durability: 'relaxed' })

  async function write (names, bytes, chunkBytes, batch) {
    for (let at = 0; at < names.length; at += batch) {
      const turn = transaction('readwrite')
      const store = turn.objectStore(STORE)
      for (let one = at; one < Math.min(at + batch, names.length); one++) {
        // A value's whole buffer is copied by the browser: each has its own.
        store.put(bytes.slice(one * chunkBytes, (one + 1) * chunkBytes), names[one])
      }
      await complete(turn)
    }
  }

  async function read (names, batch) {
    let bytes = 0
    for (let at = 0; at < names.length; at += batch) {
      const turn = transaction('readonly')
      const store = turn.objectStore(STORE)
      const found = names.slice(at, at + batch).map((name) => store.get(name))
      await complete(turn)
      for (const request of found) bytes += request.result.byteLength
    }
    return bytes
  }

  return {
    varied,
    // Writes and reads that many bytes in a new database; the milliseconds of both.
    async run ({ chunkBytes, batch, totalBytes }) {
      const name = crypto.randomUUID()
      await open(name)
      const [bytes, names] = [varied(totalBytes), keys(totalBytes / chunkBytes)]
      const start = performance.now()
      await write(names, bytes, chunkBytes, batch)
      const written = performance.now()
      if (await read(names, batch) !== totalBytes) throw new Error('bytes are missing')
      const end = performance.now()
      database.close()
      await done(indexedDB.deleteDatabase(name))
      return { write: written - start, read: end - written }
    }
  }
})()

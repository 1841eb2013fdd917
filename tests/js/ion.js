// Speaks to a tab's ion as the page's code does, past its views: commands come
// encoded from the test, events are decoded here. Times are taken in the page,
// since a question of the test to the page takes longer than most answers.
(() => {
  const { worker } = globalThis.ionosphere
  // Whoever wants to hear events now.
  const listeners = new Set()
  // When and how often the list of files is asked for while something is waited for, in ms.
  const LOOK_MS = 10

  // A DAG-CBOR value. Lengths are definite, map keys are texts.
  function decode (bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const texts = new TextDecoder()
    let at = 0
    const take = (length) => bytes.subarray(at, (at += length))
    function argument (info) {
      if (info < 24) return info
      const length = 1 << (info - 24)
      const start = at
      at += length
      if (length === 8) return Number(view.getBigUint64(start))
      return [view.getUint8, view.getUint16, , view.getUint32][length - 1].call(view, start)
    }
    function simple (info) {
      if (info !== 27) return [false, true, null][info - 20]
      at += 8
      return view.getFloat64(at - 8)
    }
    function value () {
      const first = bytes[at++]
      const [kind, info] = [first >> 5, first & 31]
      if (kind === 7) return simple(info)
      const count = argument(info)
      switch (kind) {
        case 0: return count
        case 1: return -1 - count
        case 2: return take(count)
        case 3: return texts.decode(take(count))
        case 4: return Array.from({ length: count }, value)
        case 5: return Object.fromEntries(Array.from({ length: count }, () => [value(), value()]))
        default: return value()
      }
    }
    return value()
  }

  worker.addEventListener('message', ({ data }) => {
    if (listeners.size === 0 || !(data instanceof Uint8Array)) return
    const event = decode(data).Event
    if (event) for (const hear of [...listeners]) hear(event)
  })

  const post = (bytes) => worker.postMessage(bytes, [bytes.buffer])

  // Resolves to the first thing that `pick` finds in an event; a problem rejects.
  const first = (pick) => new Promise((resolve, reject) => {
    const hear = (event) => {
      const found = pick(event)
      if (found === undefined && !event.Problem) return
      listeners.delete(hear)
      if (found === undefined) reject(new Error(JSON.stringify(event.Problem)))
      else resolve(found)
    }
    listeners.add(hear)
  })

  function good (result) {
    if ('Err' in result) throw new Error(JSON.stringify(result.Err))
    return result.Ok
  }

  // Bytes that repeat nowhere and that no other number has.
  function varied (number, length) {
    const words = new Uint32Array(length / 4)
    let state = Math.imul(number, 0x9e3779b9) | 1
    for (let at = 0; at < words.length; at++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[at] = state
    }
    return new Uint8Array(words.buffer)
  }

  async function listed (command) {
    const answer = first((event) => event.Files?.Listed)
    post(Uint8Array.fromHex(command))
    return good((await answer).result)
  }

  globalThis.testIon = {
    // Milliseconds since 1970 on the clock that all pages of one browser share.
    now: () => performance.timeOrigin + performance.now(),
    tell: (command) => post(Uint8Array.fromHex(command)),
    // Runs a job; milliseconds until that many of its results are here.
    async job (command, job, results) {
      let come = 0
      const all = first(({ Results, Job }) => {
        if (Job?.job === job && Job.failed > 0) throw new Error(JSON.stringify(Job.causes))
        if (Results?.job === job) come = Results.first + Results.results.length
        return come >= results ? true : undefined
      })
      const bytes = Uint8Array.fromHex(command)
      const start = performance.now()
      post(bytes)
      await all
      return performance.now() - start
    },
    // The milliseconds of each put until it is acknowledged, one after the other.
    async putEach (commands) {
      const took = []
      for (const command of commands.map((hex) => Uint8Array.fromHex(hex))) {
        const start = performance.now()
        const put = first((event) => event.Data?.Put)
        post(command)
        good((await put).result)
        took.push(performance.now() - start)
      }
      return took
    },
    // Puts all at once; when it began.
    async putAll (commands) {
      const all = commands.map((hex) => Uint8Array.fromHex(hex))
      let left = all.length
      const acknowledged = first((event) => {
        if (event.Data?.Put) good(event.Data.Put.result)
        return event.Data?.Put && --left === 0 ? true : undefined
      })
      const start = testIon.now()
      all.forEach(post)
      await acknowledged
      return start
    },
    // Watches until so many different keys were told of; when that was.
    seen (command, count) {
      const names = new Set()
      const all = first((event) => {
        for (const entry of event.Data?.Changed?.entries ?? []) names.add(entry.key.name)
        return names.size >= count ? testIon.now() : undefined
      })
      post(Uint8Array.fromHex(command))
      return all
    },
    // Makes a file of that many bytes, and brings it in; how long that took.
    async bring (command, source, length) {
      const file = new File([varied(source, length)], `${source}.bin`)
      // A large one is still on its way to where the browser keeps such files.
      await file.slice(length - 1).arrayBuffer()
      return await window.testIon.bringFile(command, source, file)
    },
    // Brings in the file that was chosen in a field.
    async bringChosen (command, source, field) {
      return await window.testIon.bringFile(command, source, document.querySelector(field).files[0])
    },
    async bringFile (command, source, file) {
      const imported = first((event) => event.Files?.Imported)
      const start = performance.now()
      worker.postMessage([source, file])
      post(Uint8Array.fromHex(command))
      good((await imported).result)
      return performance.now() - start
    },
    // What the list says of a file, once `isSo` is true of that.
    async file (list, path, isSo) {
      for (;;) {
        const row = (await listed(list)).find((row) => row.path === path)
        if (row && isSo(row.file)) return row.file
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
    },
    // Notes from now on, by ion, the most that came from it in a second, in bytes.
    watchIons () {
      const most = window.testMost = {}
      listeners.add((event) => {
        for (const { id, received_per_s: now } of event.Ions ?? []) {
          most[id] = Math.max(most[id] ?? 0, now)
        }
      })
    },
    // Gives the command, and waits until all of a file is on disk here; how
    // long that took.
    async fetch (command, list, path) {
      const start = performance.now()
      post(Uint8Array.fromHex(command))
      await testIon.file(list, path, (file) => file.here_bytes === file.bytes)
      return performance.now() - start
    }
  }
})()

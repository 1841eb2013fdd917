// The store's parts, timed in the page beside what plain JavaScript does with
// the same bytes.

const ready = wasm_bindgen({ module_or_path: 'store_peer_bg.wasm' })
let disk

globalThis.testStore = {
  ready: () => ready.then(() => true),
  // Milliseconds of writing blocks of a file to the ion's disk, of a name not used before.
  async write (name, totalBytes) {
    disk = await wasm_bindgen.TestDisk.open(name)
    disk.take(rawDisk.varied(totalBytes))
    const start = performance.now()
    await disk.write()
    return performance.now() - start
  },
  // Milliseconds of reading them.
  async read () {
    const start = performance.now()
    await disk.read()
    return performance.now() - start
  },
  // Milliseconds of naming the blocks of that many bytes.
  name (totalBytes) {
    const blocks = new wasm_bindgen.TestBlocks(rawDisk.varied(totalBytes))
    const start = performance.now()
    blocks.name()
    const took = performance.now() - start
    blocks.free()
    return took
  },
  // Milliseconds of the browser's SHA-256 over blocks of the same length.
  async sha256 (totalBytes) {
    const bytes = rawDisk.varied(totalBytes)
    const length = wasm_bindgen.blockBytes()
    const start = performance.now()
    for (let at = 0; at < totalBytes; at += length) {
      await crypto.subtle.digest('SHA-256', bytes.subarray(at, at + length))
    }
    return performance.now() - start
  },
  // By how many bytes the module's memory grows for so many entries.
  async memory (entries) {
    const { memory } = await ready
    const before = memory.buffer.byteLength
    const table = new wasm_bindgen.TestMemory(entries)
    const grown = memory.buffer.byteLength - before
    table.free()
    return grown
  }
}

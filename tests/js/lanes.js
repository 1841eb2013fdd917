// Guests in workers: ours by its messages, and WebAssembly in plain JavaScript.
globalThis.lanes = (() => {
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const hex = (buffer) =>
    Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  // Keeps a module, or runs it on an instance of its own.
  const plain = `let module;
    onmessage = ({ data: { binary, rounds } }) => {
      if (binary) module = new WebAssembly.Module(binary);
      else postMessage(new WebAssembly.Instance(module).exports.run(rounds));
    };`;
  let worker;
  const said = () => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  return {
    // A guest worker by its script, which says when it listens.
    openOurs: (script) => ((worker = new Worker(script)), said().then(() => null)),
    openPlain: () => void (worker = new Worker(URL.createObjectURL(new Blob([plain])))),
    tell: (message) => void worker.postMessage(bytes(message).buffer),
    loadPlain: (binary) => void worker.postMessage({ binary: bytes(binary) }),
    // Milliseconds until the last answer, and that answer.
    ask: async (message, times) => {
      const request = bytes(message).buffer;
      let answer;
      const start = performance.now();
      for (let time = 0; time < times; time++) {
        const next = said();
        worker.postMessage(request);
        answer = await next;
      }
      return { took: performance.now() - start, answer: hex(answer) };
    },
    runPlain: async (rounds) => {
      const next = said();
      const start = performance.now();
      worker.postMessage({ rounds });
      const answer = await next;
      return { took: performance.now() - start, answer };
    },
  };
})();

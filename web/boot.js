// Runs before anything else of the page: the theme before the first paint, and
// the ion's worker, so that it joins while the page's own code still loads. The
// page takes the worker over, with what it has said meanwhile, and serves the
// other end of the channel that the worker makes direct connections through.
// Then the service worker, which keeps the site.
(() => {
  const root = document.documentElement;
  try {
    root.dataset.theme = localStorage.getItem("ionosphere.theme") ?? "";
  } catch {
    // No storage here: the system's theme it is.
  }
  const guest = new URL(root.dataset.guest, location.href).href;
  let address = `${root.dataset.ion}?guest=${encodeURIComponent(guest)}`;
  try {
    const slot = sessionStorage.getItem("ionosphere.slot");
    if (slot !== null) address += `&slot=${encodeURIComponent(slot)}`;
  } catch {
    // No storage here: a fresh identity it is.
  }
  const early = [];
  const handed = { address, early };
  try {
    handed.worker = new Worker(address);
    handed.worker.onmessage = (event) => {
      early.push(event.data);
      handed.port ??= event.ports[0];
    };
    handed.worker.onerror = (event) => early.push(event.message || "its script did not load");
  } catch {
    // The page starts one itself, and says why it cannot.
  }
  globalThis.ionosphere = handed;
  // Keeps the site for when no relay answers. It begins once the page has
  // loaded, so as not to delay it; where there is none, nothing is kept.
  if (globalThis.isSecureContext && "serviceWorker" in navigator) {
    addEventListener("load", () => {
      navigator.serviceWorker.register("/service.js", { updateViaCache: "none" }).catch(() => {});
    });
  }
})();

// Keeps the site, so that the page opens while no relay answers.
//
// The page itself is asked for anew at every load; only where no answer comes
// within PATIENCE_MS, or a gateway says that the relay is gone, the kept one is
// shown. Every other file has its contents' hash in its name: a kept one is
// never out of date. So nobody is held on an old version: what a load gets is
// what the relay has, and the browser compares this very file at each load.
//
// A version is kept whole or not at all. It takes over at once; the one before
// it stays for tabs that are still of it, older ones are deleted. Nothing else
// is kept: not /bootstrap.json, nor anything that an ion asks a relay for.

// `cargo xtask up` writes the version and the files here.
const SITE = { version: "", files: [] };

const PREFIX = "ionosphere-site-";
const KEPT = PREFIX + SITE.version;
const PAGE = "/index.html";
const PATIENCE_MS = 3_000;
const HASHED = /[-_.][0-9a-f]{16}[-_.]/;
// For operators, who want to know what is there now.
const NEVER_KEPT = ["/bootstrap.json", "/healthz", "/metrics"];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(keep());
});

addEventListener("activate", (event) => event.waitUntil(begin()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (NEVER_KEPT.includes(pathname)) return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (HASHED.test(pathname)) event.respondWith(file(request));
});

// Keeps this version. The page goes in last: where it is, all of it is.
async function keep() {
  const answer = await fetch(PAGE, { cache: "no-cache" });
  const text = await answer.clone().text();
  if (!answer.ok || !text.includes(`data-version="${SITE.version}"`)) {
    throw new Error("the site changed while it was being kept");
  }
  const cache = await caches.open(KEPT);
  await cache.addAll(SITE.files);
  await cache.put(PAGE, answer);
}

async function begin() {
  await sweep();
  // So that a page is asked for while this worker still starts.
  await registration.navigationPreload?.enable();
  await clients.claim();
}

async function sweep() {
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== KEPT);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}

async function page(event) {
  const fresh = asked(event);
  const late = new Promise((wake) => setTimeout(wake, PATIENCE_MS));
  try {
    const answer = await Promise.race([fresh, late]);
    if (answer !== undefined && answer.status < 500) {
      event.waitUntil(keepAgain());
      return answer;
    }
  } catch {
    // No relay answers.
  }
  const kept = await caches.match(PAGE, { cacheName: KEPT, ignoreVary: true });
  // A rejected `fresh` becomes the browser's own page, as without this worker.
  fresh.catch(() => {});
  return kept ?? fresh;
}

async function asked(event) {
  return (await event.preloadResponse) ?? fetch(event.request);
}

// Browsers may throw away what is kept when space is short.
async function keepAgain() {
  if (!(await caches.has(KEPT))) await keep().catch(() => {});
}

// A worker's address carries parameters behind the name of its script. It takes
// its address from the answer, and only one without an address of its own leaves
// it that of the request.
async function file(request) {
  const kept = await caches.match(request, { ignoreSearch: true, ignoreVary: true });
  return kept ? new Response(kept.body, kept) : fetch(request);
}

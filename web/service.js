// Keeps the site, so that the page opens while no relay answers.
//
// The page itself is asked for anew at every load; only where no answer comes
// within PATIENCE_MS, or a gateway says that the relay is gone, the kept one is
// shown. Every other file has its contents' hash in its name: a kept one is
// never out of date. So nobody is held on an old version: what a load gets is
// what the relay has, and the browser compares this very file at each load.
//
// It also serves files of the nebula, /nebula/<file>/<name>?type=&size=&tab=:
// their bytes are asked of the tab whose ion is named, part by part. A film or a
// download is never whole in memory, here or there. Nothing of a file may run as
// part of this site: what is no picture, film or sound is only ever saved.
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
const NEBULA = "/nebula/";
// What a tab reads at a time, in bytes, and how many of it at once.
const PART = 1 << 20;
const AHEAD_MAX = 4;
// How long a tab may take for a part, and to say that it is the one.
const READ_MS = 120_000;
const FIND_MS = 3_000;
const SHOWN = /^(image|video|audio)\/[a-z0-9.+-]+$/;
const SHOWN_BY = ["image", "video", "audio"];
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
  if (pathname.startsWith(NEBULA)) event.respondWith(nebula(event));
  else if (request.mode === "navigate") event.respondWith(page(event));
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

async function nebula(event) {
  const { request } = event;
  const { pathname, searchParams } = new URL(request.url);
  const [file, name = "file"] = pathname.slice(NEBULA.length).split("/");
  const size = Number(searchParams.get("size") ?? NaN);
  const range = wanted(request.headers.get("range"), size);
  if (range === null) {
    return refused(416, "There are no such bytes.", { "content-range": `bytes */${size}` });
  }
  const tab = await teller(event, searchParams.get("tab"));
  if (!tab) return refused(503, "The tab that this file was opened in is gone. Open it there again.");
  const [from, end, isPart] = range;
  const headers = safe(request, searchParams.get("type") ?? "", name);
  headers.set("content-length", String(end - from));
  headers.set("accept-ranges", "bytes");
  if (isPart) headers.set("content-range", `bytes ${from}-${end - 1}/${size}`);
  return new Response(bytes(tab, file, from, end), { status: isPart ? 206 : 200, headers });
}

function refused(status, why, headers = {}) {
  const type = { "content-type": "text/plain; charset=utf-8" };
  return new Response(why, { status, headers: { ...type, ...headers } });
}

// The first byte, the one behind the last, and whether that is a part; null where
// there are no such bytes. Several ranges at once are answered with the whole.
function wanted(range, size) {
  if (!Number.isSafeInteger(size) || size < 0) return null;
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (!first && !last) return [0, size, false];
  const from = first ? Number(first) : Math.max(size - Number(last), 0);
  const end = first && last ? Math.min(Number(last) + 1, size) : size;
  return from < end ? [from, end, true] : null;
}

// What is shown in place is what the browser asked for as such; all else is
// saved, as bytes of no kind.
function safe({ destination, mode }, type, name) {
  const isShown = mode !== "navigate" && SHOWN_BY.includes(destination) && SHOWN.test(type);
  const headers = new Headers({
    "content-type": isShown ? type : "application/octet-stream",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
  // The name is encoded as in addresses, which is the form that is asked for.
  const saved = `attachment; filename*=UTF-8''${name.replaceAll("'", "%27")}`;
  if (!isShown) headers.set("content-disposition", saved);
  return headers;
}

// The tab that asked; a download has none, and is asked of the one it names.
async function teller({ clientId }, tab) {
  const asker = clientId && (await clients.get(clientId));
  if (asker) return asker;
  const all = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const said = all.map((one) => ask(one, { tab }, FIND_MS).then(() => one));
  return Promise.any(said).catch(() => undefined);
}

function bytes(tab, file, from, end) {
  const ahead = [];
  let next = from;
  const pull = async (controller) => {
    while (next < end && ahead.length < AHEAD_MAX) {
      const part = Math.min(PART, end - next);
      const read = ask(tab, { file, from: next, bytes: part }, READ_MS);
      // Those behind a failed one fail unheard.
      read.catch(() => {});
      ahead.push(read);
      next += part;
    }
    if (ahead.length > 0) controller.enqueue(await ahead.shift());
    if (ahead.length === 0 && next >= end) controller.close();
  };
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}

// What a tab answers: bytes, or true; a text is why not.
function ask(tab, question, patience) {
  return new Promise((done, failed) => {
    const { port1, port2 } = new MessageChannel();
    const late = setTimeout(() => failed(new Error("no answer")), patience);
    port1.onmessage = ({ data }) => {
      clearTimeout(late);
      port1.close();
      if (typeof data === "string") failed(new Error(data));
      else done(data);
    };
    tab.postMessage(question, [port2]);
  });
}

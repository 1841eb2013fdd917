// An ion that only pretends, to look at every state of mission control without
// a network: it stands in `ion.js`'s place beside a debug build of the page.
// What the page should show is posted to it as an event of the ion:
//
//     new BroadcastChannel("preview").postMessage({ Status: { phase: "NoRelay" } });
//
// A status is laid over the one before; everything else passes as it is. No
// part of the site: nothing in the product knows this file.
const names = ["quiet-heron", "amber-finch", "bold-otter", "slow-maple", "north-tern", "pale-comet"];
const idOf = (name) => "12D3KooW" + name.replace(/[^a-z]/g, "").repeat(5).slice(0, 44);
const say = (event) => postMessage({ Event: event });
const code = (length) =>
  Array.from({ length }, (_, at) => "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_"[(at * 7 + ((at * at) >> 2)) % 38]).join("");

const status = {
  id: idOf("self"),
  name: "lucid-sparrow",
  phase: "Joined",
  nebula: { id: "open", name: "Open nebula of this relay", is_open: true, invitation: "OPENCODE" },
  nebulas: [],
  relays: [
    { address: "/dns4/relay.example.org/tcp/443/wss/p2p/" + idOf("relay"), is_connected: true, problem: "" },
    {
      address: "/ip4/192.168.1.20/tcp/8080/ws/p2p/" + idOf("second"),
      is_connected: false,
      problem: "It does not answer; it is tried again in 5 s.",
    },
  ],
  paused: false,
  workers: 2,
  workers_busy: 0,
  tasks_done: 12,
  links: { target: 6, max: 10 },
  ice_servers: [],
  ice_named: [],
  storage: "Kept",
};

const reasons = {
  Relayed: "The other side's browser offered no address that this one can reach.",
  Via: "Both hold as many links as they want.",
};
const kinds = ["Direct", "Relayed", "Direct", "Direct", "Via", "Via"];
const ions = names.map((name, at) => ({
  id: idOf(name),
  name,
  link: kinds[at],
  why: reasons[kinds[at]] ?? "",
  round_trip_ms: kinds[at] === "Via" ? 0 : 3 + at * 17,
  via: kinds[at] === "Via" ? idOf("quiet-heron") : "",
  hops: kinds[at] === "Via" ? at - 2 : 1,
  score: kinds[at] === "Via" ? 0 : 97 - at * 23,
  received_per_s: kinds[at] === "Via" ? 0 : at * 421_337,
  sent_per_s: kinds[at] === "Via" ? 0 : at * at * 1_234,
  workers: at,
  workers_busy: at > 3 ? 1 : 0,
  tasks_done: at * 41,
  linked_at_ms: at * 900,
}));

const attempts = [
  { at_ms: 4_100, with: "quiet-heron", way: "direct", took_ms: 312, problem: "" },
  {
    at_ms: 3_000,
    with: "amber-finch",
    way: "direct",
    took_ms: 20_000,
    problem: "No pair of addresses answered within 20 s; the relayed link stays.",
  },
  { at_ms: 900, with: status.relays[0].address, way: "relay", took_ms: 88, problem: "" },
];

const steps = [
  { what: "Relay", state: "Good", detail: "It answers in 4 ms." },
  { what: "Signaling", state: "Good", detail: "A message to this ion itself came back." },
  { what: "Addresses", state: "Bad", detail: "The browser offers no address. A policy or an extension may keep WebRTC off; allow it for this site." },
  { what: "Direct link", state: "Skipped", detail: "It needs an address." },
];

function diagnose() {
  for (let at = 0; at <= steps.length; at += 1) {
    const running = { state: "Running", detail: "" };
    const sofar = steps.map((step, index) => (index < at ? step : { ...step, ...running }));
    setTimeout(() => say({ Diagnosis: sofar }), at * 300);
  }
}

const answers = {
  Start: ({ workers }) => {
    say({ Status: Object.assign(status, { workers }) });
    say({ Ions: ions });
    say({ Attempts: attempts });
  },
  Pause: ({ paused }) => say({ Status: Object.assign(status, { paused }) }),
  SetWorkers: ({ workers }) => say({ Status: Object.assign(status, { workers }) }),
  SetLinks: (links) => say({ Status: Object.assign(status, { links }) }),
  Echo: ({ request, ion }) =>
    setTimeout(() => {
      const lost = { what: "No answer.", why: "It did not come back within 10 s.", remedy: "Try again." };
      const result = ion === idOf("pale-comet") ? { Err: lost } : { Ok: { hops: 3, round_trip_ms: 84 } };
      say({ Echoed: { request, result } });
    }, 200),
  PairWith: ({ code: taken }) => {
    const name = "quiet-heron";
    const state = taken.startsWith("answer-") ? { Connecting: { name } } : { Answer: { code: code(980), name } };
    setTimeout(() => say({ Pairing: state }), 200);
  },
};
const alone = {
  Pair: () => setTimeout(() => say({ Pairing: { Offer: { code: code(1000), good_for_ms: 300_000 } } }), 200),
  CancelPairing: () => say({ Pairing: "Idle" }),
  Diagnose: diagnose,
};

// Files: a few that stand, one of every state; what is brought in arrives at
// 2 MiB a second and then stands; texts and pictures can be opened.
const MIB = 1 << 20;
const file = (path, bytes, media_type, more = {}) => [path, {
  file: "bafkrei" + path.replace(/[^a-z0-9]/g, "").padEnd(40, "q").slice(0, 40),
  bytes, media_type, modified_ms: Date.now() - 86_400_000,
  copies: 3, goal: 3, here_bytes: bytes, is_fetching: false, is_only_here: false, is_pinned: false, loss_ppm: 0, ...more,
}];
const tree = new Map([
  file("holiday.png", 481_213, "image/png", { is_pinned: true }),
  file("lecture on membranes, part 2 of 3 (with subtitles).mp4", 734 * MIB, "video/mp4", { copies: 2, is_fetching: true, here_bytes: 512 * MIB, loss_ppm: 41 }),
  file("notes.txt", 900_000, "text/plain", { copies: 1, is_only_here: true, loss_ppm: 90_000 }),
  file("report.pdf", 2 * MIB, "application/pdf", { copies: 0, here_bytes: 0 }),
  file("song.mp3", 5 * MIB, "audio/mpeg"),
  file("tone.wav", 44 + 16_000_000, "audio/wav"),
  file("photos/beach.png", 400_000, "image/png"),
  file("photos/hills.png", 400_000, "image/png"),
  file("photos/2024/river.png", 400_000, "image/png"),
]);
const gone = new Map([file("old plan.txt", 12_000, "text/plain")]);
const folders = new Set(["photos", "photos/2024", "empty"]);
const parent = (path) => path.slice(0, Math.max(path.lastIndexOf("/"), 0));
const last = (path) => path.slice(path.lastIndexOf("/") + 1);
const row = (path, kind, file = null) => ({
  name: kind === "Conflict" ? last(path).replace(".", " (conflict of bold-otter).") : last(path),
  path, kind, version: file ? kind + file.file : "", author: file ? idOf("quiet-heron") : "",
  author_name: file ? "quiet-heron" : "", at_ms: file ? Date.now() - 4_000_000 : 0, file,
});
const tell = (news) => say({ Files: news });
const store = {
  gives_mib: 4096, held_bytes: 310 * MIB, only_here_bytes: 900_000, others: 6, fetching: 1,
  used_bytes: 420 * MIB, quota_bytes: 60_000 * MIB, is_kept: true,
};
const under = (path, folder) => folder === "" || path.startsWith(folder + "/");
const list = (folder, deleted) => {
  if (deleted) return [...gone].filter(([path]) => under(path, folder)).map(([path, one]) => row(path, "Deleted", one));
  const below = [...folders].filter((path) => parent(path) === folder).sort().map((path) => row(path, "Folder"));
  const files = [...tree].filter(([path]) => parent(path) === folder).sort().map(([path, one]) => row(path, "File", one));
  const clash = folder === "" && tree.has("notes.txt") ? [row("notes.txt", "Conflict", { ...tree.get("notes.txt"), copies: 3, is_only_here: false })] : [];
  return [...below, ...files, ...clash];
};
const picture = async () => {
  const canvas = new OffscreenCanvas(900, 600);
  const context = canvas.getContext("2d");
  const fill = context.createLinearGradient(0, 0, 900, 600);
  for (const [at, colour] of [[0, "#2b4fd1"], [0.5, "#48b97f"], [1, "#e0a83a"]]) fill.addColorStop(at, colour);
  context.fillStyle = fill;
  context.fillRect(0, 0, 900, 600);
  return new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
};
// A minute and a half of a tone, 16 bits at 88,200 a second.
const tone = (() => {
  const bytes = new Uint8Array(44 + 16_000_000);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("RIFF....WAVEfmt "));
  view.setUint32(4, bytes.length - 8, true);
  [[16, 16], [24, 88_200], [28, 176_400], [40, bytes.length - 44]].forEach(([at, value]) => view.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => view.setUint16(at, value, true));
  bytes.set(new TextEncoder().encode("data"), 36);
  for (let at = 44; at < bytes.length; at += 2) view.setInt16(at, Math.sin(at / 60) * 8_000, true);
  return bytes;
})();
const text = new TextEncoder().encode(Array.from({ length: 20_000 }, (_, at) => `${at}: what the tide brought in, and what it took`).join("\n"));
const imports = new Map();
const handed = new Map();
const done = (request, result = { Ok: null }) => setTimeout(() => tell({ Done: { request, result } }) || tell("Changed"), 100);
const moved = (from, to) => {
  for (const [path, one] of [...tree]) {
    if (path !== from && !under(path, from)) continue;
    tree.delete(path);
    tree.set(to + path.slice(from.length), one);
  }
  for (const path of [...folders]) if (path === from || under(path, from)) folders.delete(path) && folders.add(to + path.slice(from.length));
};
setInterval(() => {
  let room = 2 * MIB;
  for (const one of imports.values()) {
    one.bytes_per_second = 0;
    if (one.is_paused || room <= 0) continue;
    const some = Math.min(room, one.bytes - one.done_bytes);
    room -= some;
    one.done_bytes += some;
    one.bytes_per_second = some;
    if (one.done_bytes < one.bytes) continue;
    imports.delete(one.import);
    const bad = one.path.includes("fail");
    const why = { what: "It was not brought in.", why: "It was changed since it was chosen.", remedy: "Choose it again." };
    if (!bad) tree.set(...file(one.path, one.bytes, one.media_type));
    for (let up = parent(one.path); up; up = parent(up)) folders.add(up);
    tell({ Imported: { import: one.import, path: one.path, result: bad ? { Err: why } : { Ok: "bafy" } } });
    tell("Changed");
  }
  if (imports.size > 0) tell({ Imports: [...imports.values()].map(({ media_type, ...view }) => view) });
}, 1_000);
const wishes = {
  Watch: () => tell({ Store: store }),
  List: async ({ request, folder, deleted }) => {
    const { length } = await picture();
    for (const [path, one] of tree) if (path.endsWith(".png")) one.bytes = one.here_bytes = length;
    tell({ Listed: { request, result: { Ok: list(folder, deleted) }, is_more: false } });
  },
  Versions: ({ request, path }) => {
    const one = tree.get(path) ?? gone.get(path);
    const rows = [row(path, tree.has(path) ? "File" : "Deleted", one), row(path, "Conflict", { ...one, bytes: 77 }), row(path, "File", { ...one, bytes: 12_345 }), row(path, "Deleted")];
    tell({ Versions: { request, result: { Ok: rows } } });
  },
  MakeFolder: ({ request, path }) => folders.add(path) && done(request),
  Remove: ({ request, path }) => {
    for (const [one, held] of [...tree]) if (one === path || under(one, path)) tree.delete(one) && gone.set(one, held);
    for (const one of [...folders]) if (one === path || under(one, path)) folders.delete(one);
    done(request);
  },
  Rename: ({ request, from, to }) => {
    const why = { what: "It was not renamed.", why: "`..` is no name.", remedy: "Choose another name." };
    if (to.includes("..")) return done(request, { Err: why });
    moved(from, to);
    done(request);
  },
  Restore: ({ request, path }) => {
    const held = gone.get(path);
    if (held) gone.delete(path) && tree.set(path, held);
    for (let up = parent(path); up; up = parent(up)) folders.add(up);
    done(request);
  },
  Read: async ({ request, file, from, bytes }) => {
    const [path] = [...tree].find(([, one]) => one.file === file) ?? [""];
    const whole = path.endsWith(".png") ? await picture() : path.endsWith(".wav") ? tone : text;
    const part = whole.subarray(Number(from), Number(from) + bytes);
    tell({ Read: { request, result: { Ok: part } } });
  },
  Import: (one) => imports.set(one.import, { import: one.import, path: one.path, bytes: Number(one.bytes), done_bytes: 0, bytes_per_second: 0, is_paused: false, media_type: one.media_type, handed: handed.has(Number(one.import)) }),
  Pause: ({ import: name, paused }) => Object.assign(imports.get(name) ?? {}, { is_paused: paused }),
  CancelImport: ({ import: name }) => imports.delete(name),
  Pin: ({ file, pinned }) => {
    for (const one of tree.values()) if (one.file === file) one.is_pinned = pinned;
    tell("Changed");
  },
  Give: ({ mib }) => tell({ Store: Object.assign(store, { gives_mib: mib }) }),
};
// Data: a few keys of the space that all may write.
const space = { Members: "shared" };
const keys = new Map([["colour", "blue"], ["limit", "12"]]);
const entry = (name, value) => ({
  key: { space, name }, value: value === null ? undefined : new TextEncoder().encode(value),
  author: idOf("quiet-heron"), author_name: "quiet-heron", at_ms: Date.now() - 200_000, ends_ms: name === "limit" ? Date.now() + 3_600_000 : undefined,
});
const entries = () => [...keys].map(([name, value]) => entry(name, value));
let watch = 0;
answers.Data = (wish) => {
  const [name, fields] = Object.entries(wish)[0];
  if (name === "Watch") watch = fields.watch;
  if (name === "List") say({ Data: { Listed: { request: fields.request, entries: entries(), is_more: false } } });
  if (name === "Conflicts") say({ Data: { Conflicts: { request: fields.request, conflicts: [[entry("colour", "blue"), entry("colour", "green")]] } } });
  if (name === "Spaces") say({ Data: { Spaces: { request: fields.request, spaces: [space], own: new Uint8Array(32).fill(7) } } });
  if (name !== "Put") return;
  const { key, value } = fields.changes[0];
  if (value === undefined) keys.delete(key.name);
  else keys.set(key.name, new TextDecoder().decode(value));
  say({ Data: { Put: { request: fields.request, result: { Ok: 1 } } } });
  say({ Data: { Changed: { watch, entries: [entry(key.name, keys.get(key.name) ?? null)] } } });
};
answers.Files = (wish) => {
  const [name, fields] = Object.entries(wish)[0];
  wishes[name]?.(fields);
};

onmessage = ({ data }) => {
  if (Array.isArray(data)) return handed.set(data[0], data[1]);
  if (typeof data === "string") return alone[data]?.();
  const [name, fields] = Object.entries(data)[0];
  answers[name]?.(fields);
};
new BroadcastChannel("preview").onmessage = ({ data }) =>
  say(data.Status ? { Status: Object.assign(status, data.Status) } : data);
postMessage("Ready");
setInterval(() => postMessage("Pulse"), 1_000);

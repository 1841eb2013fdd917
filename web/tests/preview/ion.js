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

onmessage = ({ data }) => {
  if (typeof data === "string") return alone[data]?.();
  const [name, fields] = Object.entries(data)[0];
  answers[name]?.(fields);
};
new BroadcastChannel("preview").onmessage = ({ data }) =>
  say(data.Status ? { Status: Object.assign(status, data.Status) } : data);
postMessage("Ready");
setInterval(() => postMessage("Pulse"), 1_000);

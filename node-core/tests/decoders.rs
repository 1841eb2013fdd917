//! Everything that reads bytes from outside: the formats as they are, and what
//! becomes of encodings that were changed at random. A changed format shows in
//! the golden bytes; every version that was ever released must stay readable.
//!
//! Each sample is changed [`MUTANTS`] times, or as often as `NODE_CORE_MUTANTS` says:
//! `NODE_CORE_MUTANTS=2000000 cargo test -p node-core --test decoders routing` is a
//! long run on the formats of that name.

#[path = "decoders/files.rs"]
mod files;
#[path = "decoders/kv.rs"]
mod kv;
#[path = "decoders/mail.rs"]
mod mail;
#[path = "decoders/mesh.rs"]
mod mesh;
#[path = "decoders/receipts.rs"]
mod receipts;

use node_core::{
    compute::{
        Entry, Input, Program, Trust,
        wire::{self, Message},
    },
    identity::{Invitation, IonId},
    network::{
        bootstrap::Bootstrap,
        directory::{self, Age, Profile},
        neighbours,
        overlay::{Reason, Standing, Why},
        wire::{Opening, Presence, decode, encode},
    },
    platform::sim::Rng,
};
use spark_runtime::{Lane, Limits, Report, Stop, Value};

/// Changed encodings of each sample, unless more or fewer are asked for.
const MUTANTS: u64 = 2_000;

/// How many changed encodings of each sample are tried.
fn mutants() -> u64 {
    let Ok(text) = std::env::var("NODE_CORE_MUTANTS") else { return MUTANTS };
    text.parse().unwrap_or_else(|_| panic!("NODE_CORE_MUTANTS is a number, not \"{text}\""))
}

fn messages() -> Vec<Message> {
    let program = Program {
        name: "add".to_owned(),
        entry: Entry::Export { name: "add".to_owned(), arguments: vec!["{}".to_owned()] },
        limits: Limits { fuel_max: 1, memory_bytes_max: 2, output_bytes_max: 3, wall_ms_max: 4 },
        lane: Lane::Automatic,
        trust: Trust::Once,
    };
    let report = Report {
        stop: Some(Stop::Exit { code: 2 }),
        values: vec![Value::I32(-1)],
        stdout: b"out".to_vec(),
        stderr: b"err".to_vec(),
        files: Vec::new(),
        fuel: 5,
        memory_bytes_peak: 6,
    };
    let entry = Entry::Command {
        arguments: vec!["{}".to_owned()],
        environment: vec![("LEVEL".to_owned(), "7".to_owned())],
        stdin: true,
    };
    let command = Program { entry, ..program.clone() };
    let json = Program { entry: Entry::Json, ..program.clone() };
    let stop = Some(Stop::StepFailed { function: "f".to_owned(), returned: -1 });
    let failed = Report { stop, ..Report::default() };
    vec![
        Message::Offer { job: 1, of: None, program, module: [7; 32], module_bytes: 8 },
        Message::Withdraw { job: 1 },
        Message::Pull { job: 1, tasks: 2 },
        Message::Tasks { job: 1, tasks: vec![(0, input(b"7"))] },
        Message::Holding { job: 1, tasks: vec![1, 2] },
        Message::Return { job: 1, tasks: vec![3] },
        Message::Results { job: 1, results: vec![(4, report.clone())], signed: None },
        Message::WantBlock { module: [7; 32], offset: 9 },
        Message::Block { module: [7; 32], offset: 9, bytes: vec![1, 2, 3] },
        Message::Offer { job: 1, of: None, program: command, module: [7; 32], module_bytes: 8 },
        Message::Offer { job: 1, of: None, program: json, module: [7; 32], module_bytes: 8 },
        Message::Results { job: 1, results: vec![(4, failed)], signed: None },
        Message::Results { job: 1, results: vec![(4, report)], signed: Some(receipts::signed()) },
    ]
}

fn input(bytes: &[u8]) -> Input {
    Input::from(bytes)
}

fn openings() -> Vec<Vec<u8>> {
    vec![encode(&Opening { version: neighbours::wire::VERSION, proof: [3; 32], session: 4 })]
}

const STANDING: Standing = Standing { links: 3, target: 6, max: 10 };

fn neighbour_frames() -> Vec<Vec<u8>> {
    use neighbours::wire::Message;
    let presence = Presence { name: "quiet-heron".to_owned(), workers: 2, busy: 1 };
    let others = vec![IonId::from_bytes([7; 32]), IonId::from_bytes([8; 32])];
    vec![
        encode(&Message::Ask { standing: STANDING, why: Why::Alone }),
        encode(&Message::Accept { standing: STANDING }),
        encode(&Message::Full { others: others.clone(), is_heard: true }),
        encode(&Message::Cut { reason: Reason::Surplus, others }),
        encode(&Message::Beat { count: 5, presence, standing: STANDING }),
        encode(&Message::Echo { count: 5 }),
        encode(&Message::Goodbye),
        encode(&Message::Bond(bond())),
    ]
}

fn bond() -> directory::Bond {
    directory::Bond { incarnation: 1_700_000_000_000, signature: [5; 64] }
}

fn presence_messages() -> Vec<Vec<u8>> {
    use directory::wire::{Message, encode};
    let profile = Profile { name: "quiet-heron".to_owned(), workers: 2 };
    let age = Age { incarnation: 1_700_000_000_000, counter: 9 };
    vec![
        encode(&Message::Beat { age, interval_ms: 50_000, profile, standing: STANDING }),
        encode(&Message::Goodbye { age }),
        encode(&Message::Gone { ion: IonId::from_bytes([7; 32]), counter: 9, bond: bond() }),
    ]
}

fn invitation() -> Invitation {
    let hints = vec!["/dns4/relay.example/tcp/443/wss".to_owned()];
    Invitation::found("our lab", false, hints, &[1; 48]).expect("it is valid")
}

const BOOTSTRAP: &[u8] =
    br#"{"version":1,"relays":["/dns4/relay.example/tcp/443/wss"],"nebula":"code"}"#;

const INVITATION: &str = "AaVkbmFtZWdvdXIgbGFiZWhpbnRzgXgfL2RuczQvcmVsYXkuZXhhbXBsZS90Y3AvNDQzL3d\
    zc2ZuZWJ1bGFYIIqI4910CfGV_VLbLTy6XXLKZwm_HZQSG_N0iAG0D29cZnNlY3JldFABAQEBAQEBAQEBAQEBAQEBZ2lzX29\
    wZW70666uHg";

/// The sample with one to four bytes changed, cut, doubled or added.
fn mutant(sample: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=rng.below(4) {
        let place = usize::try_from(rng.below(bytes.len() as u64 + 1)).expect("it is short");
        let byte = u8::try_from(rng.below(256)).expect("it is below 256");
        match rng.below(5) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, byte),
            2 if place < bytes.len() => {
                bytes.remove(place);
            }
            3 => bytes.extend_from_within(place..),
            _ => {
                if let Some(old) = bytes.get_mut(place) {
                    *old = byte;
                }
            }
        }
    }
    bytes
}

/// Feeds changed samples to a decoder, which must not panic, and says how many
/// got through; some must, else nothing behind the first check was tried.
fn fuzz(name: &str, samples: &[Vec<u8>], reads: impl Fn(&[u8]) -> bool) {
    let mut rng = Rng::new(11);
    let (mut tried, mut read) = (0_u64, 0_u64);
    for sample in samples {
        assert!(reads(sample), "{name}: the sample itself is not read");
        for _ in 0..mutants() {
            tried += 1;
            read += u64::from(reads(&mutant(sample, &mut rng)));
        }
    }
    println!("{name}: {read} of {tried} changed encodings got past the first check");
    assert!(read > 0 && read < tried, "{name}: {read} of {tried}");
}

#[test]
fn changed_compute_messages() {
    let samples: Vec<_> = messages().iter().map(wire::encode).collect();
    fuzz("compute", &samples, |bytes| match wire::decode(bytes) {
        // What is read is within bounds, so it can be written and read again.
        Ok(message) => {
            assert_eq!(wire::decode(&wire::encode(&message)), Ok(message));
            true
        }
        Err(_) => false,
    });
}

#[test]
fn changed_openings() {
    fuzz("openings", &openings(), |bytes| decode::<Opening>(bytes).is_some());
}

#[test]
fn changed_neighbour_frames_and_presence() {
    use directory::wire as presence;
    fuzz("neighbours", &neighbour_frames(), |bytes| neighbours::wire::decode(bytes).is_some());
    fuzz("presence", &presence_messages(), |bytes| match presence::decode(bytes) {
        Some(message) => {
            assert_eq!(presence::decode(&presence::encode(&message)), Some(message));
            true
        }
        None => false,
    });
}

/// The checksum stops nearly all, so the body behind it is changed by itself.
#[test]
fn changed_invitations() {
    let body = ion_codec::to_vec(&invitation()).expect("it is plain data");
    fuzz("invitation bodies", &[body], |bytes| ion_codec::from_slice::<Invitation>(bytes).is_ok());
    let code = invitation().encode().into_bytes();
    let mut rng = Rng::new(12);
    for _ in 0..mutants() {
        let text = String::from_utf8_lossy(&mutant(&code, &mut rng)).into_owned();
        if let Ok(read) = Invitation::decode(&text) {
            assert_eq!(read, invitation(), "{text}");
        }
    }
}

#[test]
fn changed_bootstrap_documents() {
    fuzz("bootstrap", &[BOOTSTRAP.to_vec()], |bytes| Bootstrap::read(bytes).is_ok());
}

#[test]
fn what_is_too_long_is_refused_unread() {
    let long = vec![0; wire::MESSAGE_BYTES_MAX + 1];
    assert_eq!(wire::decode(&long), Err(wire::Refusal::TooLong));
    assert_eq!(decode::<Opening>(&long), None);
    assert!(Bootstrap::read(&long).is_err());
    let many = Message::Holding { job: 1, tasks: vec![1; wire::TASKS_HELD_MAX + 1] };
    assert_eq!(wire::decode(&wire::encode(&many)), Err(wire::Refusal::TooManyTasks));
    let large = vec![(0, input(&vec![0; wire::INPUT_BYTES_MAX + 1]))];
    let large = Message::Tasks { job: 1, tasks: large };
    assert_eq!(wire::decode(&wire::encode(&large)), Err(wire::Refusal::InputTooLarge));
}

#[test]
fn environments_are_checked_before_they_are_believed() {
    let offer = |environment: Vec<(String, String)>| {
        let entry = Entry::Command { arguments: vec![], environment, stdin: false };
        let program = Program {
            name: String::new(),
            entry,
            limits: Limits::default(),
            lane: Lane::Automatic,
            trust: Trust::Once,
        };
        let message =
            Message::Offer { job: 1, of: None, program, module: [7; 32], module_bytes: 8 };
        wire::decode(&wire::encode(&message)).map(drop)
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let many = |count: usize| (0..count).map(|number| pair(&format!("N{number}"), "")).collect();
    assert_eq!(offer(vec![pair("A", "b=c"), pair("B", "")]), Ok(()));
    assert_eq!(offer(many(wire::ENVIRONMENT_MAX)), Ok(()));
    assert_eq!(offer(many(wire::ENVIRONMENT_MAX + 1)), Err(wire::Refusal::EnvironmentTooLarge));
    let long = "x".repeat(wire::ENVIRONMENT_BYTES_MAX);
    assert_eq!(offer(vec![pair("A", &long)]), Err(wire::Refusal::EnvironmentTooLarge));
    for wrong in [vec![pair("", "a")], vec![pair("A=", "")], vec![pair("A", ""), pair("A", "b")]] {
        assert_eq!(offer(wrong), Err(wire::Refusal::VariableName));
    }
    assert_eq!(offer(vec![pair("A", "b\0c")]), Err(wire::Refusal::VariableValue));
}

/// Offers that were written before programs had an environment.
#[test]
fn an_offer_without_environment_is_read() {
    let old = b"\xa1eOffer\xa4cjob\x01fmodule\x98\x20";
    let mut old = old.to_vec();
    old.extend([7; 32]);
    old.extend(b"gprogram\xa3dnameaaeentry\xa1gCommand\xa2estdin\xf5iarguments\x80");
    old.extend(b"flimits\xa4hfuel_max\x01kwall_ms_max\x04pmemory_bytes_max\x02");
    old.extend(b"poutput_bytes_max\x03lmodule_bytes\x08");
    let Ok(Message::Offer { program, .. }) = wire::decode(&old) else { panic!("it is not read") };
    let entry = Entry::Command { arguments: vec![], environment: vec![], stdin: true };
    assert_eq!(program.entry, entry);
}

#[test]
fn a_lane_is_on_the_wire_only_where_one_was_chosen() {
    let Message::Offer { job, program, module, module_bytes, .. } = messages().remove(0) else {
        panic!("the first is an offer")
    };
    let offer = |lane: Lane| {
        let program = Program { lane, ..program.clone() };
        wire::encode(&Message::Offer { job, of: None, program, module, module_bytes })
    };
    let has_lane = |bytes: &[u8]| bytes.windows(5).any(|part| part == b"dlane");
    for lane in [Lane::Automatic, Lane::Interpreter, Lane::Fast] {
        let bytes = offer(lane);
        assert_eq!(has_lane(&bytes), lane != Lane::Automatic, "{lane:?}");
        let Ok(Message::Offer { program, .. }) = wire::decode(&bytes) else { panic!("{lane:?}") };
        assert_eq!(program.lane, lane);
    }
    let mut wrong = offer(Lane::Fast);
    let at = wrong.windows(4).position(|part| part == b"Fast").unwrap();
    wrong[at..at + 4].copy_from_slice(b"Slow");
    assert_eq!(wire::decode(&wrong), Err(wire::Refusal::Malformed));
}

#[test]
fn trust_is_on_the_wire_only_where_one_was_chosen_and_has_bounds() {
    let Message::Offer { job, program, module, module_bytes, .. } = messages().remove(0) else {
        panic!("the first is an offer")
    };
    let offer = |trust: Trust| {
        let program = Program { trust, ..program.clone() };
        wire::encode(&Message::Offer { job, of: None, program, module, module_bytes })
    };
    let has_trust = |bytes: &[u8]| bytes.windows(6).any(|part| part == b"etrust");
    for trust in [Trust::Once, Trust::Copies(2), Trust::Adaptive] {
        let bytes = offer(trust);
        assert_eq!(has_trust(&bytes), trust != Trust::Once, "{trust:?}");
        let Ok(Message::Offer { program, .. }) = wire::decode(&bytes) else { panic!("{trust:?}") };
        assert_eq!(program.trust, trust);
    }
    for copies in [0, 1, 6, 255] {
        assert_eq!(wire::decode(&offer(Trust::Copies(copies))), Err(wire::Refusal::Copies));
    }
}

/// The hash of all encodings of one format.
fn digest(encodings: &[Vec<u8>]) -> String {
    blake3::hash(&encodings.concat()).to_hex()[..16].to_owned()
}

#[test]
fn golden_compute_messages() {
    let encodings: Vec<_> = messages().iter().map(wire::encode).collect();
    assert_eq!(encodings[2], b"\xa1dPull\xa2cjob\x01etasks\x02");
    assert_eq!(encodings[1], b"\xa1hWithdraw\xa1cjob\x01");
    assert_eq!(digest(&encodings[..9]), "0d1effa302764d00");
    assert_eq!(digest(&encodings[9..10]), "525d5aec9ca2d535");
    assert!(encodings[10].windows(11).any(|part| part == b"eentrydJson"));
    assert_eq!(digest(&encodings[10..12]), "74c2d64e25c06ca4");
    assert_eq!(digest(&encodings[12..]), "a14c37ddb7efa657");
}

#[test]
fn golden_openings() {
    assert_eq!(digest(&openings()), "0bd81645e37ccff7");
}

#[test]
fn golden_neighbour_frames_and_presence() {
    assert_eq!(digest(&neighbour_frames()), "4b45d5ff29f2a88f");
    assert_eq!(digest(&presence_messages()), "915f4a953c0e0698");
}

#[test]
fn golden_invitation() {
    assert_eq!(invitation().encode(), INVITATION);
    assert_eq!(Invitation::decode(INVITATION), Ok(invitation()));
}

use std::collections::{BTreeMap, VecDeque};

use super::{
    wire::{Header, PIECE_BYTES_MAX},
    *,
};
use crate::{
    identity::{Ed25519Keys, SimKeys, keys::SEAL_BYTES},
    network::wire::Room,
};

const COMPUTE: Line = Line::Room(Room::Compute);

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn machine(salt: u8) -> Routing {
    Routing::new(Arc::new(SimKeys::of(ion(salt))), 1)
}

/// Machines whose frames arrive at once.
struct Net {
    now: u64,
    machines: BTreeMap<IonId, Routing>,
    /// What was not a frame, by whom.
    told: Vec<(IonId, Effect)>,
    /// Frames that were sent.
    frames: Vec<(IonId, Vec<u8>)>,
    /// Who never answers a question.
    silent: Option<IonId>,
}

impl Net {
    fn new(ions: u8, links: &[(u8, u8)]) -> Self {
        let machines = (0..ions).map(|salt| (ion(salt), machine(salt))).collect();
        let (told, frames) = (Vec::new(), Vec::new());
        let mut net = Self { now: 0, machines, told, frames, silent: None };
        for (one, other) in links {
            net.put(*one, Input::NeighbourUp(ion(*other)));
            net.put(*other, Input::NeighbourUp(ion(*one)));
        }
        net
    }

    /// 0 to 1 to 2, and so on.
    fn line(ions: u8) -> Self {
        let links: Vec<_> = (1..ions).map(|salt| (salt - 1, salt)).collect();
        Self::new(ions, &links)
    }

    /// One input, and all that follows from it.
    fn put(&mut self, at: u8, input: Input) {
        let mut queue = VecDeque::from([(ion(at), input)]);
        while let Some((at, input)) = queue.pop_front() {
            let mut effects = Vec::new();
            let Some(machine) = self.machines.get_mut(&at) else { continue };
            machine.handle(Time::from_ms(self.now), input, &mut effects);
            for effect in effects {
                match effect {
                    Effect::Send(to, bytes) => {
                        self.frames.push((at, bytes.clone()));
                        queue.push_back((to, Input::Heard(at, bytes)));
                    }
                    Effect::Asked { asker, request, ref body, .. } => {
                        let body = Some([body.as_slice(), at.as_bytes()].concat());
                        if self.silent != Some(at) {
                            queue.push_back((at, Input::Reply { asker, request, body }));
                        }
                        self.told.push((at, effect));
                    }
                    other => self.told.push((at, other)),
                }
            }
        }
    }

    fn write(&mut self, from: u8, to: u8, bytes: &[u8]) {
        self.send(from, to, bytes, false);
    }

    fn send(&mut self, from: u8, to: u8, bytes: &[u8], is_there: bool) {
        let (to, line, bytes) = (ion(to), COMPUTE, bytes.to_vec());
        self.put(from, Input::Send { to, line, bytes, is_there });
    }

    fn wait(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.now += 100;
            for salt in 0..u8::try_from(self.machines.len()).expect("they are few") {
                self.put(salt, Input::Tick);
            }
        }
    }

    fn delivered(&self, at: u8) -> Vec<(IonId, &[u8], u16)> {
        let delivered = self.told.iter().filter_map(|(ion, effect)| match effect {
            Effect::Deliver { from, bytes, hops, .. } => Some((ion, (*from, &bytes[..], *hops))),
            _ => None,
        });
        delivered.filter(|(to, _)| **to == ion(at)).map(|(_, what)| what).collect()
    }

    fn asked(&self) -> Vec<IonId> {
        let asked = |(ion, effect): &(IonId, Effect)| {
            matches!(effect, Effect::Asked { .. }).then_some(*ion)
        };
        self.told.iter().filter_map(asked).collect()
    }

    fn unreachable(&self) -> Vec<Why> {
        let why = |(_, effect): &(IonId, Effect)| match effect {
            Effect::Unreachable { why, .. } => Some(*why),
            _ => None,
        };
        self.told.iter().filter_map(why).collect()
    }

    fn searches(&self) -> usize {
        let is_search =
            |(_, frame): &&(IonId, Vec<u8>)| matches!(wire::decode(frame), Ok(Message::Ask { .. }));
        self.frames.iter().filter(is_search).count()
    }
}

/// A longer one could be taken by an ion and refused by the next, which would blame
/// the wrong one.
#[test]
fn the_longest_packet_that_is_taken_can_be_passed_on() {
    let packet = |sealed: usize, path: usize| Message::Packet {
        header: Header {
            origin: ion(1),
            to: ion(2),
            line: COMPUTE,
            conversation: u64::MAX,
            number: u64::MAX,
            piece: 0,
            pieces: 1,
        },
        sealed: vec![7; sealed],
        signature: [7; 64],
        attempt: u8::MAX,
        path: vec![ion(1); path],
    };
    let longest = PIECE_BYTES_MAX + SEAL_BYTES;
    let whole = encode(&packet(longest, wire::PATH_MAX));
    assert!(wire::decode(&whole).is_ok(), "{}", whole.len());
    let refused = wire::decode(&encode(&packet(longest + 1, 1)));
    assert_eq!(refused, Err(Refused::TooLarge));
}

#[test]
fn a_request_travels_as_many_layers_as_it_says() {
    for echo in 0..4 {
        let mut net = Net::line(6);
        net.put(0, Input::Ask { request: 5, echo, body: b"who?".to_vec() });
        let reached: Vec<_> = (1..=echo + 1).map(ion).collect();
        assert_eq!(net.asked(), reached);
        let answers = net.told.iter().filter_map(|(_, effect)| match effect {
            Effect::Answered { request: 5, from, body } => Some((*from, body.clone())),
            _ => None,
        });
        let answers: Vec<_> = answers.collect();
        assert_eq!(answers.iter().map(|(ion, _)| *ion).collect::<Vec<_>>(), reached);
        assert!(answers.iter().all(|(ion, body)| *body == [b"who?", &ion.as_bytes()[..]].concat()));
        let end = Effect::Ended { request: 5, answers: reached.len(), is_complete: true };
        assert_eq!(net.told.last(), Some(&(ion(0), end)));
    }
}

#[test]
fn the_baton_names_who_passed_it_on() {
    let mut net = Net::line(4);
    net.put(0, Input::Ask { request: 5, echo: 3, body: vec![] });
    let path = net.told.iter().find_map(|(at, effect)| match effect {
        Effect::Asked { path, .. } if *at == ion(3) => Some(path.clone()),
        _ => None,
    });
    assert_eq!(path, Some(vec![ion(0), ion(1), ion(2)]));
}

#[test]
fn in_a_mesh_with_loops_everybody_is_asked_and_answers_once() {
    let all: Vec<_> = (0..6).flat_map(|one| (0..one).map(move |other| (one, other))).collect();
    let mut net = Net::new(6, &all);
    net.put(0, Input::Ask { request: 5, echo: wire::ECHO_MAX, body: vec![] });
    let mut asked = net.asked();
    asked.sort();
    assert_eq!(asked, (1..6).map(ion).collect::<Vec<_>>());
    let end = Effect::Ended { request: 5, answers: 5, is_complete: true };
    assert_eq!(net.told.last(), Some(&(ion(0), end)));
}

#[test]
fn one_that_never_answers_holds_nobody_up_for_long() {
    let mut net = Net::line(4);
    net.silent = Some(ion(2));
    net.put(0, Input::Ask { request: 5, echo: 2, body: vec![] });
    assert!(!net.told.iter().any(|(_, effect)| matches!(effect, Effect::Ended { .. })));
    net.wait(ask_ms_max(2) + 200);
    let end = Effect::Ended { request: 5, answers: 2, is_complete: false };
    assert_eq!(net.told.last(), Some(&(ion(0), end)));
}

#[test]
fn who_asks_when_nobody_is_there_hears_so_at_once() {
    let mut net = Net::new(1, &[]);
    net.put(0, Input::Ask { request: 5, echo: 1, body: vec![] });
    let end = Effect::Ended { request: 5, answers: 0, is_complete: true };
    assert_eq!(net.told, [(ion(0), end)]);
}

#[test]
fn a_neighbour_gets_a_message_directly_and_this_ion_its_own() {
    let mut net = Net::line(2);
    net.write(0, 1, b"hello");
    net.write(0, 0, b"me");
    assert_eq!(net.delivered(1), [(ion(0), &b"hello"[..], 1)]);
    assert_eq!(net.delivered(0), [(ion(0), &b"me"[..], 0)]);
    assert_eq!(net.searches(), 0);
}

#[test]
fn a_far_ion_is_searched_for_once_and_answers_without_a_search() {
    let mut net = Net::line(7);
    net.write(0, 6, b"one");
    let searches = net.searches();
    assert!(searches > 0);
    net.write(0, 6, b"two");
    net.write(6, 0, b"three");
    assert_eq!(net.searches(), searches);
    assert_eq!(net.delivered(6), [(ion(0), &b"one"[..], 6), (ion(0), &b"two"[..], 6)]);
    assert_eq!(net.delivered(0), [(ion(6), &b"three"[..], 6)]);
}

#[test]
fn hints_lead_the_way_without_a_search() {
    let mut net = Net::line(4);
    for salt in 0..3 {
        net.put(salt, Input::Hint { ion: ion(3), via: ion(salt + 1) });
    }
    net.write(0, 3, b"hello");
    assert_eq!(net.searches(), 0);
    assert_eq!(net.delivered(3).len(), 1);
}

#[test]
fn a_way_that_leads_nowhere_is_forgotten_and_another_found() {
    // 0 believes that 4 is behind 1, which is a dead end; it is behind 2 and 3.
    let mut net = Net::new(5, &[(0, 1), (0, 2), (2, 3), (3, 4)]);
    net.put(0, Input::Hint { ion: ion(4), via: ion(1) });
    net.write(0, 4, b"hello");
    assert_eq!(net.delivered(4), [(ion(0), &b"hello"[..], 3)]);
    assert_eq!(net.machines[&ion(0)].next_hop(Time::ZERO, &ion(4)), Some(ion(2)));
    assert!(net.unreachable().is_empty());
}

#[test]
fn a_refusal_of_what_was_not_passed_on_is_not_believed() {
    // 0 and 4 write to each other over 1, 2, 3; 5 is linked to 1 and lies.
    let mut net = Net::new(6, &[(0, 1), (1, 2), (2, 3), (3, 4), (5, 1)]);
    net.write(0, 4, b"here");
    let lie = |number, path: Vec<IonId>| {
        let (origin, to, why) = (ion(0), ion(4), Obstacle::NoWay);
        let conversation = (1 << 20) + 1;
        encode(&Message::Refusal { origin, to, conversation, number, attempt: 0, why, path })
    };
    let (searches, frames) = (net.searches(), net.frames.len());
    for number in 0..3 {
        for path in [vec![ion(0), ion(1)], vec![ion(1)], vec![ion(2), ion(1)]] {
            net.put(1, Input::Heard(ion(5), lie(number, path)));
        }
    }
    assert_eq!(net.frames.len(), frames, "nobody is told");
    net.write(0, 4, b"again");
    assert_eq!(net.searches(), searches, "the way is known as before");
    assert_eq!(net.delivered(4).len(), 2);
}

#[test]
fn a_neighbour_brings_messages_of_so_many_new_origins_and_no_more() {
    let mut here = machine(0);
    here.handle(Time::ZERO, Input::NeighbourUp(ion(1)), &mut Vec::new());
    let mut delivered = 0;
    for number in 0..2 * NEIGHBOUR_ORIGINS.burst {
        let origin = IonId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes());
        let keys = SimKeys::of(origin);
        let header = Header {
            origin,
            to: ion(0),
            line: COMPUTE,
            conversation: 1,
            number: 0,
            piece: 0,
            pieces: 1,
        };
        let (sealed, signature) = wire::seal_piece(&keys, &header, b"hello").expect("it can be");
        let path = vec![origin, ion(1)];
        let packet = Message::Packet { header, sealed, signature, attempt: 0, path };
        let mut effects = Vec::new();
        here.handle(Time::ZERO, Input::Heard(ion(1), encode(&packet)), &mut effects);
        delivered += u64::from(matches!(effects[..], [Effect::Deliver { .. }]));
    }
    assert_eq!(delivered, NEIGHBOUR_ORIGINS.burst);
}

#[test]
fn ways_that_form_a_circle_end_at_who_closes_it() {
    let mut net = Net::new(4, &[(0, 1), (1, 2), (2, 0)]);
    for (at, via) in [(0, 1), (1, 2), (2, 0)] {
        net.put(at, Input::Hint { ion: ion(3), via: ion(via) });
    }
    net.write(0, 3, b"hello");
    net.wait(UNREACHABLE_MS_MAX);
    assert_eq!(net.unreachable(), [Why::NotFound]);
    assert!(net.frames.len() < 100, "{}", net.frames.len());
}

#[test]
fn who_is_not_there_is_unreachable_and_not_searched_for_again_at_once() {
    let mut net = Net::line(3);
    net.write(0, 99, b"hello");
    assert_eq!(net.unreachable(), [Why::NotFound]);
    let searches = net.searches();
    net.write(0, 99, b"hello");
    assert_eq!((net.unreachable().len(), net.searches()), (2, searches));
    net.wait(NOT_FOUND_MS);
    net.write(0, 99, b"hello");
    assert!(net.searches() > searches);
    let mut alone = Net::new(1, &[]);
    alone.write(0, 9, b"hello");
    assert_eq!(alone.unreachable(), [Why::Alone]);
}

#[test]
fn who_is_known_to_live_is_found_when_links_come_late() {
    let mut net = Net::new(4, &[(0, 1), (2, 3)]);
    net.send(0, 3, b"hello", true);
    net.wait(REST_MS / 2);
    assert!(net.unreachable().is_empty());
    net.put(1, Input::NeighbourUp(ion(2)));
    net.put(2, Input::NeighbourUp(ion(1)));
    net.wait(REST_MS);
    assert_eq!(net.delivered(3), [(ion(0), &b"hello"[..], 3)]);
    assert!(net.unreachable().is_empty());
}

#[test]
fn who_is_known_to_live_and_not_found_is_given_up_in_time() {
    let mut net = Net::new(4, &[(0, 1), (2, 3)]);
    net.send(0, 3, b"hello", true);
    net.wait(PATIENCE_MS - 2 * REST_MS);
    assert!(net.unreachable().is_empty());
    net.wait(3 * REST_MS);
    assert_eq!(net.unreachable(), [Why::NotFound]);
}

#[test]
fn what_left_just_before_its_neighbour_went_is_sent_again() {
    let mut net = Net::new(4, &[(0, 1), (1, 3), (0, 2), (2, 3)]);
    net.put(0, Input::Hint { ion: ion(3), via: ion(1) });
    net.machines.remove(&ion(1));
    net.write(0, 3, b"hello");
    assert!(net.delivered(3).is_empty());
    net.put(0, Input::NeighbourDown(ion(1)));
    net.put(3, Input::NeighbourDown(ion(1)));
    assert_eq!(net.delivered(3), [(ion(0), &b"hello"[..], 2)]);
}

#[test]
fn what_was_passed_on_just_before_a_neighbour_went_is_sent_again() {
    // 4 is behind 1, and there behind 2, 3 or 5; 2 goes with the message.
    let links = [(0, 1), (1, 2), (2, 4), (1, 3), (3, 4), (1, 5), (5, 4)];
    let mut net = Net::new(6, &links);
    net.put(0, Input::Hint { ion: ion(4), via: ion(1) });
    net.put(1, Input::Hint { ion: ion(4), via: ion(3) });
    net.put(1, Input::Hint { ion: ion(4), via: ion(2) });
    net.machines.remove(&ion(2));
    net.write(0, 4, b"hello");
    assert!(net.delivered(4).is_empty());
    net.now += LOST_MS - 1;
    net.put(1, Input::NeighbourDown(ion(2)));
    assert_eq!(net.delivered(4), [(ion(0), &b"hello"[..], 3)]);
    net.put(1, Input::NeighbourDown(ion(3)));
    assert_eq!(net.delivered(4).len(), 1, "what was passed on twice arrives once");
}

#[test]
fn the_largest_message_arrives_over_others() {
    let mut net = Net::line(3);
    let large = vec![7; COMPUTE.bytes_max()];
    net.write(0, 2, &large);
    net.wait(5_000);
    assert_eq!(net.delivered(2), [(ion(0), &large[..], 2)]);
    let longest = net.frames.iter().map(|(_, frame)| frame.len()).max();
    assert!(longest.is_some_and(|bytes| bytes <= wire::FRAME_BYTES_MAX));
    net.write(0, 2, &vec![7; COMPUTE.bytes_max() + 1]);
    assert_eq!(net.unreachable(), [Why::TooLong]);
}

/// The packets by which 0 sends a message to 2 over 1.
fn packets(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut net = Net::line(3);
    net.write(0, 2, bytes);
    let is_packet = |frame: &Vec<u8>| matches!(wire::decode(frame), Ok(Message::Packet { .. }));
    let frames = net.frames.into_iter().filter(|(from, frame)| *from == ion(1) && is_packet(frame));
    frames.map(|(_, frame)| frame).collect()
}

#[test]
fn what_was_changed_or_comes_again_is_not_delivered() {
    let frame = packets(b"hello").remove(0);
    let mut net = Net::new(3, &[(2, 1)]);
    for (in_body, in_signature) in [(1, 0), (0, 1)] {
        let Ok(Message::Packet { header, mut sealed, mut signature, attempt, path }) =
            wire::decode(&frame)
        else {
            panic!("it is a packet");
        };
        sealed[0] ^= in_body;
        signature[0] ^= in_signature;
        let forged = encode(&Message::Packet { header, sealed, signature, attempt, path });
        net.put(2, Input::Heard(ion(1), forged));
    }
    // 1 does not check what its neighbour signed, so it may be honest.
    assert_eq!(net.told, []);
    for _ in 0..3 {
        net.put(2, Input::Heard(ion(1), frame.clone()));
    }
    assert_eq!(net.delivered(2).len(), 1);
}

#[test]
fn who_forges_a_packet_of_its_own_is_blamed() {
    let frame = packets(b"hello").remove(0);
    let Ok(Message::Packet { header, sealed, mut signature, attempt, mut path }) =
        wire::decode(&frame)
    else {
        panic!("it is a packet");
    };
    signature[0] ^= 1;
    path.truncate(1);
    let forged = encode(&Message::Packet { header, sealed, signature, attempt, path });
    let mut net = Net::new(3, &[(2, 0)]);
    net.put(2, Input::Heard(ion(0), forged));
    assert_eq!(net.told, [(ion(2), Effect::Offence(ion(0)))]);
}

#[test]
fn a_message_in_pieces_is_whole_or_nothing() {
    let frames = packets(&vec![1; 3 * PIECE_BYTES_MAX]);
    assert_eq!(frames.len(), 3);
    let mut net = Net::new(3, &[(2, 1)]);
    for frame in frames.iter().rev().take(2) {
        net.put(2, Input::Heard(ion(1), frame.clone()));
    }
    assert!(net.delivered(2).is_empty());
    net.put(2, Input::Heard(ion(1), frames[0].clone()));
    assert_eq!(net.delivered(2).len(), 1);
}

#[test]
fn a_path_that_is_not_the_senders_is_an_offence() {
    let frame = packets(b"hello").remove(0);
    let mut net = Net::new(4, &[(2, 1), (2, 3)]);
    net.put(2, Input::Heard(ion(3), frame));
    assert_eq!(net.told, [(ion(2), Effect::Offence(ion(3)))]);
}

#[test]
fn malformed_bytes_cost_and_strangers_are_not_heard() {
    let mut net = Net::line(2);
    for bytes in [vec![], vec![0xff], vec![0; wire::FRAME_BYTES_MAX + 1]] {
        net.put(0, Input::Heard(ion(1), bytes.clone()));
        net.put(0, Input::Heard(ion(9), bytes));
    }
    assert_eq!(net.told, vec![(ion(0), Effect::Offence(ion(1))); 3]);
}

#[test]
fn an_asker_without_end_is_not_served_without_end() {
    let mut net = Net::line(3);
    for request in 0..200 {
        net.put(0, Input::Ask { request, echo: 1, body: vec![] });
    }
    let asked = net.asked().iter().filter(|at| **at == ion(1)).count() as u64;
    assert_eq!(asked, ASKER_REQUESTS.burst);
    let ended = net.told.iter().filter(|(_, effect)| matches!(effect, Effect::Ended { .. }));
    assert_eq!(ended.count(), 200);
}

/// Whoever passed requests on may keep them, and bring them again when they are forgotten.
#[test]
fn requests_that_are_brought_again_are_refused_and_cost_their_asker_nothing() {
    let mut net = Net::line(3);
    for request in 0..20 {
        net.put(0, Input::Ask { request, echo: 1, body: vec![] });
    }
    let is_kept = |(from, frame): &(IonId, Vec<u8>)| {
        *from == ion(1) && matches!(wire::decode(frame), Ok(Message::Ask { .. }))
    };
    let kept: Vec<_> = net.frames.iter().filter(|sent| is_kept(sent)).cloned().collect();
    assert_eq!(kept.len(), 20);
    net.wait(2 * REQUEST_MS);
    let asked = net.asked().len();
    for (from, frame) in &kept {
        net.put(2, Input::Heard(*from, frame.clone()));
    }
    assert_eq!(net.asked().len(), asked);
    net.put(0, Input::Ask { request: 99, echo: 1, body: vec![] });
    assert_eq!(net.asked().len(), asked + 2);
    // Its clock was set back: what it asks is not refused for good.
    net.wait(FLOOR_MS + REQUEST_MS);
    net.put(2, Input::Heard(kept[0].0, kept[0].1.clone()));
    assert_eq!(net.asked().len(), asked + 3);
}

#[test]
fn what_is_for_a_room_of_neighbours_is_an_offence() {
    let frame = packets(b"hello").remove(0);
    for room in [Room::Link, Room::Mesh, Room::Kv, Room::Store] {
        let Ok(Message::Packet { header, sealed, signature, attempt, path }) = wire::decode(&frame)
        else {
            panic!("it is a packet");
        };
        let header = wire::Header { line: Line::Room(room), ..header };
        let other = encode(&Message::Packet { header, sealed, signature, attempt, path });
        assert_eq!(wire::decode(&other), Err(Refused::Line));
    }
}

/// What members pass on they can't read.
#[test]
fn what_travels_is_sealed() {
    let keys: Vec<_> = (0..2).map(|salt| Ed25519Keys::of_seed(&[salt; 32])).collect();
    let ids: Vec<_> = keys.iter().map(Keys::own).collect();
    let mut keys = keys.into_iter().map(|keys| Routing::new(Arc::new(keys), 1));
    let (mut one, mut other) = (keys.next().expect("one"), keys.next().expect("another"));
    let mut effects = Vec::new();
    one.handle(Time::ZERO, Input::NeighbourUp(ids[1]), &mut effects);
    other.handle(Time::ZERO, Input::NeighbourUp(ids[0]), &mut effects);
    let bytes = b"for your eyes only".to_vec();
    let send = Input::Send { to: ids[1], line: COMPUTE, bytes: bytes.clone(), is_there: true };
    one.handle(Time::ZERO, send, &mut effects);
    let [Effect::Send(_, frame)] = &effects[..] else { panic!("{effects:?}") };
    assert!(!frame.windows(bytes.len()).any(|part| part == bytes));
    let mut told = Vec::new();
    other.handle(Time::ZERO, Input::Heard(ids[0], frame.clone()), &mut told);
    assert_eq!(told, [Effect::Deliver { from: ids[0], line: COMPUTE, bytes, hops: 1 }]);
}

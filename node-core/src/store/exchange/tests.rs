mod world;

use std::collections::BTreeSet;

use self::world::{Content, Temper, World, content};
use super::*;
use crate::store::chunk::{Block, CHUNK_BYTES, Codec};

const MIB: u64 = 1 << 20;
const CHUNK: u32 = 64 << 10;

/// The ion 0 fetches a file from others, each behind a link of 4 MiB/s; how
/// long that takes, in milliseconds.
fn fetch_from(sources: &[Temper], file: &Content) -> (u64, World) {
    let mut world = start(sources, file);
    let ms = world.until(120_000, |world| world.ions[0].done.len() == file.cids.len());
    (ms.expect("the file arrives"), world)
}

fn start(sources: &[Temper], file: &Content) -> World {
    let mut world = World::new(1, &[Temper::Honest]);
    for temper in sources {
        let source = world.join(*temper);
        world.ions[source].disk.clone_from(&file.blocks);
        world.link(0, source, 20, 4 * MIB);
    }
    let bytes_max = file.blocks.values().map(|block| block.len()).max().unwrap_or_default();
    let bytes_max = u32::try_from(bytes_max).expect("a block is not that long");
    world.fetch(0, &file.cids, bytes_max, Order::Bulk);
    world
}

#[test]
fn three_sources_are_nearly_three_times_as_fast() {
    let file = content(7, 1_024, CHUNK);
    let (one, world) = fetch_from(&[Temper::Honest], &file);
    let raw_ms = 64 * 1_000 / 4;
    println!("64 MiB from one source: {one} ms, {raw_ms} ms would be the link's speed");
    assert!(one * 90 < raw_ms * 100, "one source uses nine tenths of its link");
    let overhead = world.ions[0].data_bytes - 64 * MIB;
    assert!(overhead < 64 * MIB / 100, "{overhead} bytes beyond the file");
    let (three, world) = fetch_from(&[Temper::Honest; 3], &file);
    println!("from three: {three} ms; {} bytes", world.ions[0].data_bytes);
    assert!(one * 10 >= three * 24, "{one} ms from one, {three} ms from three");
    assert!(world.ions[0].data_bytes < 68 * MIB, "little comes twice");
    assert!(world.ions[0].offences.is_empty());
}

#[test]
fn long_blocks_come_from_three_sources_as_well() {
    let file = content(7, 32, CHUNK_BYTES);
    let (one, _) = fetch_from(&[Temper::Honest], &file);
    let (three, world) = fetch_from(&[Temper::Honest; 3], &file);
    println!(
        "32 MiB: {one} ms from one, {three} ms from three; {} bytes",
        world.ions[0].data_bytes
    );
    assert!(one * 10 >= three * 24, "{one} ms from one, {three} ms from three");
}

#[test]
fn liars_cost_little_and_are_named() {
    let file = content(7, 1_024, CHUNK);
    let (honest, _) = fetch_from(&[Temper::Honest; 3], &file);
    for (temper, offence) in [(Temper::Silent, Offence::Silent), (Temper::Forger, Offence::Altered)]
    {
        let sources = [Temper::Honest, temper, Temper::Honest, Temper::Honest];
        let (ms, mut world) = fetch_from(&sources, &file);
        println!("{honest} ms without, {ms} ms with one that is {temper:?}");
        assert!(ms * 100 <= honest * 115, "{ms} ms against {honest} ms");
        // Whoever is silent is named when its time is over.
        let named = BTreeSet::from([(world.ions[2].id, offence)]);
        assert!(world.ions[0].offences.is_subset(&named));
        let more = content(8, 600, CHUNK);
        for source in 1..=4 {
            world.ions[source].disk.extend(more.blocks.clone());
        }
        world.fetch(0, &more.cids, CHUNK, Order::Bulk);
        let is_done = |world: &World| world.ions[0].done.len() == 1_624;
        assert!(world.until(60_000, is_done).is_some());
        world.run(10_000);
        assert_eq!(world.ions[0].offences, named);
    }
}

#[test]
fn a_source_that_leaves_does_not_stop_it() {
    let file = content(7, 1_024, CHUNK);
    let mut world = start(&[Temper::Honest; 3], &file);
    world.run(2_000);
    assert!((100..900).contains(&world.ions[0].done.len()), "it is in the middle");
    world.unlink(0, 1);
    let ms = world.until(60_000, |world| world.ions[0].done.len() == 1_024);
    let ms = ms.expect("the others have it too");
    assert!(ms < 7_500, "two of three links for two thirds of the file took {ms} ms");
    assert!(world.ions[0].data_bytes < 69 * MIB);
}

#[test]
fn a_slow_source_does_not_hold_up_the_end() {
    let file = content(7, 256, CHUNK);
    let mut world = start(&[Temper::Honest; 2], &file);
    let slow = world.join(Temper::Honest);
    world.ions[slow].disk.clone_from(&file.blocks);
    world.link(0, slow, 100, 40 << 10);
    let ms = world.until(60_000, |world| world.ions[0].done.len() == 256);
    let ms = ms.expect("the file arrives");
    assert!(ms < 2_700, "16 MiB over two links of 4 MiB/s took {ms} ms");
}

/// What comes in the time of a window is less than a block here.
#[test]
fn a_slow_link_is_never_idle_however_long_blocks_are() {
    let file = content(7, 8, CHUNK_BYTES);
    let mut world = World::new(1, &[Temper::Honest; 2]);
    world.ions[1].disk.clone_from(&file.blocks);
    world.link(0, 1, 100, MIB);
    world.fetch(0, &file.cids, CHUNK_BYTES, Order::Bulk);
    let ms = world.until(60_000, |world| world.ions[0].done.len() == 8);
    let ms = ms.expect("the file arrives");
    assert!(ms < 8_700, "8 MiB over a link of 1 MiB/s took {ms} ms");
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let file = content(7, 256, CHUNK);
    let mut world = start(&[Temper::Honest; 2], &file);
    world.until(9_000, |world| world.ions[0].done.len() >= 128).expect("half of it arrives");
    let before = world.ions[0].disk.len() as u64;
    world.restart(0);
    world.run(1_000);
    world.ions[0].data_bytes = 0;
    world.link(0, 1, 20, 4 * MIB);
    world.fetch(0, &file.cids, CHUNK, Order::Bulk);
    world.until(9_000, |world| world.ions[0].done.len() == 256).expect("the rest arrives");
    let rest = (256 - before) * u64::from(CHUNK);
    assert!(world.ions[0].data_bytes < rest + rest / 50, "{before} were there");
}

#[test]
fn playback_comes_in_order() {
    let file = content(7, 512, CHUNK);
    let mut world = World::new(1, &[Temper::Honest]);
    for _ in 0..3 {
        let source = world.join(Temper::Honest);
        world.ions[source].disk.clone_from(&file.blocks);
        world.link(0, source, 20, 4 * MIB);
    }
    world.fetch(0, &file.cids, CHUNK, Order::Playback);
    world.until(20_000, |world| world.ions[0].done.len() == 512).expect("the file arrives");
    let place = |cid| file.cids.iter().position(|other| other == cid).expect("it is of it");
    let late = world.ions[0].done.iter().enumerate().map(|(at, cid)| at.saturating_sub(place(cid)));
    let late = late.max().expect("there are some");
    // Three windows of 2 MiB are on the way at once, 96 chunks.
    assert!(late <= 128, "a chunk came {late} places late");
}

#[test]
fn a_disk_that_does_not_answer_stops_the_flow() {
    let file = content(7, 1_024, CHUNK);
    let mut world = start(&[Temper::Honest; 3], &file);
    world.ions[0].temper = Temper::Stuck;
    world.run(30_000);
    let given = world.ions[0].given_bytes;
    assert!(given <= FLIGHT_BYTES_MAX && given > FLIGHT_BYTES_MAX / 2, "{given}");
    world.ions[0].temper = Temper::Honest;
    for cid in world.ions[0].disk.keys().copied().collect::<Vec<_>>() {
        world.input(0, Input::Stored(cid, true));
    }
    assert!(world.until(30_000, |world| world.ions[0].done.len() == 1_024).is_some());
}

#[test]
fn what_nobody_has_is_said_and_comes_when_somebody_has_it() {
    let file = content(7, 2, CHUNK);
    let mut world = World::new(1, &[Temper::Honest; 2]);
    world.link(0, 1, 20, 4 * MIB);
    world.fetch(0, &file.cids, CHUNK, Order::Bulk);
    let told = world.until(30_000, |world| world.ions[0].unavailable.len() == 2);
    assert!(told.is_some_and(|ms| ms >= 9_000));
    world.ions[1].disk.clone_from(&file.blocks);
    for cid in &file.cids {
        world.input(1, Input::Stored(*cid, true));
    }
    let came = world.until(30_000, |world| world.ions[0].done.len() == 2);
    assert!(came.is_some_and(|ms| ms < 500), "it is told at once: {came:?}");
}

/// Fifty ions, of which every tenth lies, on links of all speeds that break and
/// return: a file of one spreads to all that are honest.
#[test]
fn a_file_spreads_among_many() {
    let file = content(9, 48, CHUNK);
    for seed in 0..6 {
        let tempers: Vec<Temper> = (0..50)
            .map(|number| match number % 10 {
                4 => Temper::Silent,
                8 => Temper::Forger,
                _ => Temper::Honest,
            })
            .collect();
        let mut world = World::new(seed, &tempers);
        let is_honest = |ion: usize| tempers[ion] == Temper::Honest;
        world.ions[0].disk.clone_from(&file.blocks);
        for (ion, temper) in tempers.iter().enumerate() {
            if *temper == Temper::Forger {
                world.ions[ion].disk.clone_from(&file.blocks);
            }
        }
        // A ring through the honest keeps them connected whatever breaks.
        let honest: Vec<usize> = (0..50).filter(|ion| is_honest(*ion)).collect();
        for (place, ion) in honest.iter().enumerate() {
            connect(&mut world, *ion, honest[(place + 1) % honest.len()]);
        }
        for ion in 0..50 {
            for _ in 0..2 {
                any_link(&mut world, ion);
            }
        }
        for ion in &honest[1..] {
            world.fetch(*ion, &file.cids, CHUNK, Order::Bulk);
        }
        for _ in 0..40 {
            world.run(250);
            let ion = usize::try_from(world.rng.below(50)).expect("it is below 50");
            let others = world.neighbours(ion);
            if let Some(other) = others.get(2) {
                world.unlink(ion, *other);
                any_link(&mut world, ion);
            }
        }
        let is_done =
            |world: &World| honest[1..].iter().all(|ion| world.ions[*ion].done.len() == 48);
        let ms = world.until(120_000, is_done);
        println!("seed {seed}: all have it {ms:?} ms after the trouble");
        assert!(ms.is_some(), "seed {seed}");
        check_offences(&world, seed);
        let bytes: u64 = honest[1..].iter().map(|ion| world.ions[*ion].data_bytes).sum();
        let needed = 48 * u64::from(CHUNK) * (honest.len() as u64 - 1);
        println!("seed {seed}: {bytes} bytes came, {needed} were needed");
        assert!(bytes < needed * 3 / 2, "seed {seed}: {bytes} bytes for {needed}");
    }
}

fn any_link(world: &mut World, ion: usize) {
    let other = usize::try_from(world.rng.below(50)).expect("it is below 50");
    if other != ion && !world.neighbours(ion).contains(&other) {
        connect(world, ion, other);
    }
}

fn connect(world: &mut World, one: usize, other: usize) {
    let (ms, speed) = (5 + world.rng.below(200), MIB / 4 + world.rng.below(4 * MIB));
    world.link(one, other, ms, speed);
}

/// Nobody is accused of what it did not do.
fn check_offences(world: &World, seed: u64) {
    for (accused, offence) in world.ions.iter().flat_map(|ion| &ion.offences) {
        let ion = world.ions.iter().find(|ion| ion.id == *accused).expect("it is known");
        let expected = match offence {
            Offence::Altered => Temper::Forger,
            _ => Temper::Silent,
        };
        assert_eq!(ion.temper, expected, "seed {seed}: {offence:?}");
    }
}

fn ion(number: u8) -> IonId {
    IonId::from_bytes([number; 32])
}

fn said(number: u8, message: &Message) -> Input {
    Input::Frame(ion(number), wire::encode(message))
}

/// A machine that has asked ion 1 for a block of five bytes.
fn asking(block: &Block) -> (Exchange, Vec<Effect>) {
    let (mut machine, mut effects) = (Exchange::new(Rng::new(1)), Vec::new());
    let wanted = vec![Wanted { cid: block.cid, bytes_max: 8 }];
    let (asker, lack) = (Asker::Own, vec![block.cid]);
    for input in [
        Input::Linked(ion(1)),
        Input::Fetch(wanted, Order::Bulk),
        Input::Looked { asker, have: vec![], lack },
        said(1, &Message::Have(vec![block.cid])),
    ] {
        machine.handle(Time::ZERO, input, &mut effects);
    }
    let want = Effect::Send(ion(1), wire::encode(&Message::Want(vec![block.cid])));
    assert_eq!(effects.last(), Some(&want));
    effects.clear();
    (machine, effects)
}

fn piece(block: &Block, offset: u32, total: u32, bytes: &[u8]) -> Input {
    let bytes = bytes.to_vec();
    said(1, &Message::Piece(wire::Piece { cid: block.cid, offset, total, bytes }))
}

#[test]
fn parts_that_do_not_fit_are_offences() {
    let block = Block::of(Codec::Raw, b"hello".to_vec());
    for inputs in [
        vec![piece(&block, 1, 5, b"ello")],
        vec![piece(&block, 0, 9, b"hello")],
        vec![piece(&block, 0, 5, b"he"), piece(&block, 2, 6, b"llo")],
        vec![piece(&block, 0, 5, b"he"), piece(&block, 0, 5, b"he")],
        vec![Input::Frame(ion(1), b"no message".to_vec())],
    ] {
        let (mut machine, mut effects) = asking(&block);
        for input in inputs {
            machine.handle(Time::ZERO, input, &mut effects);
        }
        assert!(effects.contains(&Effect::Offence(ion(1), Offence::Malformed)));
    }
    let (mut machine, mut effects) = asking(&block);
    machine.handle(Time::ZERO, piece(&block, 0, 5, b"hello"), &mut effects);
    assert_eq!(effects, [Effect::Store(block.cid, b"hello".to_vec())]);
}

#[test]
fn what_nobody_asked_for_is_an_offence_when_it_is_much() {
    let block = Block::of(Codec::Raw, vec![7; 32 << 10]);
    let (mut machine, mut effects) = (Exchange::new(Rng::new(1)), Vec::new());
    machine.handle(Time::ZERO, Input::Linked(ion(1)), &mut effects);
    for _ in 0..33 {
        machine.handle(Time::ZERO, piece(&block, 0, 32 << 10, &block.bytes), &mut effects);
    }
    assert_eq!(effects, [Effect::Offence(ion(1), Offence::Unasked)]);
}

#[test]
fn what_is_forgotten_is_cancelled() {
    let block = Block::of(Codec::Raw, b"hello".to_vec());
    let (mut machine, mut effects) = asking(&block);
    machine.handle(Time::ZERO, Input::Forget(vec![block.cid]), &mut effects);
    let cancel = Effect::Send(ion(1), wire::encode(&Message::Cancel(vec![block.cid])));
    assert_eq!(effects, [cancel]);
    effects.clear();
    machine.handle(Time::ZERO, piece(&block, 0, 5, b"hello"), &mut effects);
    assert_eq!((effects.len(), machine.room()), (0, WANTED_MAX));
}

#[test]
fn a_full_disk_and_too_many_wishes_are_answers() {
    let block = Block::of(Codec::Raw, b"hello".to_vec());
    let (mut machine, mut effects) = asking(&block);
    machine.handle(Time::ZERO, piece(&block, 0, 5, b"hello"), &mut effects);
    machine.handle(Time::ZERO, Input::Stored(block.cid, false), &mut effects);
    assert_eq!(effects.last(), Some(&Effect::Failed(block.cid, Failure::Disk)));
    effects.clear();
    let name = |number: usize| Cid::of(Codec::Raw, &number.to_le_bytes());
    let wanted = (0..=WANTED_MAX).map(|number| Wanted { cid: name(number), bytes_max: 9 });
    machine.handle(Time::ZERO, Input::Fetch(wanted.collect(), Order::Bulk), &mut effects);
    assert_eq!(effects[0], Effect::Failed(name(WANTED_MAX), Failure::TooMany));
}

#[test]
fn a_slow_receiver_has_few_frames_on_the_way_and_holds_up_nobody() {
    let block = Block::of(Codec::Raw, vec![7; 256 << 10]);
    let other = Block::of(Codec::Raw, vec![8; 256 << 10]);
    let (mut machine, mut effects) = (Exchange::new(Rng::new(1)), Vec::new());
    for number in [1, 2] {
        machine.handle(Time::ZERO, Input::Linked(ion(number)), &mut effects);
        let want = Message::Want(vec![block.cid, other.cid]);
        machine.handle(Time::ZERO, said(number, &want), &mut effects);
    }
    let reads = [Effect::Read(block.cid), Effect::Read(other.cid)];
    assert_eq!(effects, reads, "each is read once for both, before its turn");
    effects.clear();
    let bytes = Some(block.bytes.clone().into());
    machine.handle(Time::ZERO, Input::Read(block.cid, bytes), &mut effects);
    let data = |effects: &[Effect], number| {
        effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Data(to, _) if *to == ion(number)))
            .count()
    };
    assert_eq!((data(&effects, 1), data(&effects, 2)), (serve::DATA_MAX, serve::DATA_MAX));
    let bytes = Some(other.bytes.clone().into());
    machine.handle(Time::ZERO, Input::Read(other.cid, bytes), &mut effects);
    effects.clear();
    for _ in 0..serve::DATA_MAX {
        machine.handle(Time::ZERO, Input::Sent(ion(2)), &mut effects);
    }
    assert_eq!((data(&effects, 1), data(&effects, 2)), (0, serve::DATA_MAX));
    let cancel = Message::Cancel(vec![other.cid]);
    machine.handle(Time::ZERO, said(1, &cancel), &mut effects);
    effects.clear();
    machine.handle(Time::ZERO, Input::Sent(ion(1)), &mut effects);
    assert_eq!(effects, [], "what is cancelled is not sent");
}

#[test]
fn many_receivers_that_take_nothing_have_few_blocks_in_memory() {
    let (mut machine, mut effects) = (Exchange::new(Rng::new(1)), Vec::new());
    // So long that nobody is done with one.
    let content = content(7, 2 * PEERS_MAX, CHUNK_BYTES / 2);
    let ions = || (0..).zip(content.cids.chunks(2));
    for (number, _) in ions() {
        machine.handle(Time::ZERO, Input::Linked(ion(number)), &mut effects);
    }
    for (number, cids) in ions() {
        let want = Message::Want(cids.to_vec());
        machine.handle(Time::ZERO, said(number, &want), &mut effects);
    }
    let mut loaded = 0;
    while let Some(place) = effects.iter().position(|effect| matches!(effect, Effect::Read(_))) {
        let Effect::Read(cid) = effects.remove(place) else { continue };
        let bytes = Some(content.blocks[&cid].clone());
        machine.handle(Time::ZERO, Input::Read(cid, bytes), &mut effects);
        loaded += 1;
    }
    assert_eq!(loaded, serve::LOADED_MAX);
}

#[test]
fn a_block_that_went_bad_on_the_disk_is_not_served() {
    let block = Block::of(Codec::Raw, b"hello".to_vec());
    let (mut machine, mut effects) = (Exchange::new(Rng::new(1)), Vec::new());
    machine.handle(Time::ZERO, Input::Linked(ion(1)), &mut effects);
    machine.handle(Time::ZERO, said(1, &Message::Want(vec![block.cid])), &mut effects);
    effects.clear();
    let bad = Some(b"hallo"[..].into());
    machine.handle(Time::ZERO, Input::Read(block.cid, bad), &mut effects);
    let lack = Effect::Send(ion(1), wire::encode(&Message::Lack(vec![block.cid])));
    assert_eq!(effects, [Effect::Corrupt(block.cid), lack]);
}

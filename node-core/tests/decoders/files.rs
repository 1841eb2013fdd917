//! What is read of files: names of blocks, ledgers, versions, and what ions say
//! in the store room.

use node_core::{
    codec,
    identity::IonId,
    platform::{Time, sim::Rng},
    store::{
        chunk::{CHUNK_BYTES, Cid, Codec},
        exchange::{
            Asker, Effect, Exchange, Input, Order, Wanted,
            wire::{self, Message, Piece},
        },
        files::{File, FilePath, Version, VersionId, What},
        library::holdings::{self, Statement},
        mail::{Enclosed, FILES_BYTES_MAX, Letter},
        manifest::{Builder, CHUNK_BYTES_MIN, LINKS_MAX, MEDIA_TYPE_ANY, Manifest, Step},
        replicas::{Part, placement::Offer},
    },
};

use super::{fuzz, mutant};

fn cid(content: &[u8]) -> Cid {
    Cid::of(Codec::Raw, content)
}

/// A file of so many chunks, which are named by their number.
fn manifest(chunks: u64, chunk_bytes: u32) -> Manifest {
    let mut builder = Builder::new(chunk_bytes).expect("it is a chunk's length");
    for number in 0..chunks {
        let name = cid(&number.to_le_bytes());
        builder.push(name, chunk_bytes, &mut Vec::new()).expect("it is a whole chunk");
    }
    builder.finish(MEDIA_TYPE_ANY, &mut Vec::new()).expect("it is a media type")
}

#[test]
fn changed_names_of_blocks() {
    fuzz("cids", &[cid(b"hello").to_bytes().to_vec()], |bytes| match Cid::from_bytes(bytes) {
        Ok(read) => {
            assert_eq!(read.to_bytes(), bytes);
            true
        }
        Err(_) => false,
    });
    fuzz("links", &[codec::encode(&cid(b"hello"))], |bytes| {
        codec::decode::<Cid>(bytes, 64).is_some()
    });
    fuzz("texts of cids", &[cid(b"hello").to_string().into_bytes()], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.parse::<Cid>().is_ok_and(|read| {
            assert_eq!(read.to_string(), text);
            true
        })
    });
}

/// What is read is the one encoding of what it says, and can be walked to its
/// end in as many steps as it says that it has chunks.
#[test]
fn changed_manifests() {
    let samples = [manifest(0, CHUNK_BYTES), manifest(3, CHUNK_BYTES), manifest(9, 1 << 12)];
    fuzz("manifests", &samples.map(|sample| sample.encode()), |bytes| {
        let Ok(read) = Manifest::decode(bytes) else { return false };
        assert_eq!(read.encode(), bytes);
        let mut walk = read.walk(0..u64::MAX);
        for _ in 0..read.chunks() {
            assert!(matches!(walk.step(), Step::Chunk(_)));
        }
        assert_eq!(walk.step(), Step::End);
        true
    });
    let large = manifest(LINKS_MAX + 1, CHUNK_BYTES_MIN).encode();
    fuzz("manifests with lists", &[large], |bytes| {
        Manifest::decode(bytes).is_ok_and(|read| {
            matches!(read.walk(0..1).step(), Step::List(_) | Step::Chunk(_) | Step::End)
        })
    });
}

fn versions() -> Vec<Version> {
    let manifest = Cid::of(Codec::DagCbor, b"hello");
    let media_type = "text/plain".to_owned();
    let file = What::File(File { manifest, size: 5, media_type, modified_ms: 7 });
    let before = VersionId::of(b"before");
    vec![
        Version::new(file, vec![before]),
        Version::new(What::Folder, vec![]),
        Version::new(What::Gone, vec![before, before]),
    ]
}

/// The id stops all that was changed, so each gets its own; so do paths.
#[test]
fn changed_versions_of_files() {
    let path: FilePath = "a/b".parse().expect("it is a path");
    let samples: Vec<_> = versions().iter().map(|version| version.entry(&path).1).collect();
    fuzz("versions", &samples, |bytes| {
        let name = format!("a/b//{}", VersionId::of(bytes));
        let Ok((read, _, version)) = Version::read(&name, bytes) else { return false };
        let (name, value) = version.entry(&read);
        assert!(Version::read(&name, &value).is_ok());
        true
    });
    let (name, value) = versions()[0].entry(&path);
    fuzz("names of versions", &[name.into_bytes()], |bytes| {
        let name = String::from_utf8_lossy(bytes);
        let Ok((path, _, version)) = Version::read(&name, &value) else { return false };
        assert_eq!(version.entry(&path).0, name);
        true
    });
}

fn messages() -> Vec<Message> {
    let names = vec![cid(b"one"), cid(b"two")];
    let bytes = b"hello".to_vec();
    vec![
        Message::Seek(names.clone()),
        Message::Have(names.clone()),
        Message::Lack(names.clone()),
        Message::Want(names.clone()),
        Message::Cancel(names),
        Message::Piece(Piece { cid: cid(b"one"), offset: 0, total: 9, bytes }),
    ]
}

#[test]
fn changed_exchange_messages() {
    let samples: Vec<_> = messages().iter().map(wire::encode).collect();
    fuzz("exchange", &samples, |bytes| match wire::decode(bytes) {
        Ok(message) => {
            assert_eq!(wire::decode(&wire::encode(&message)), Ok(message));
            true
        }
        Err(_) => false,
    });
}

/// A machine that hears changed frames neither panics nor stores anything, and
/// still fetches from whoever keeps the rules.
#[test]
fn the_exchange_bears_changed_frames() {
    let ion = |number| IonId::from_bytes([number; 32]);
    let (mut machine, mut effects) = (Exchange::new(Rng::new(1)), Vec::new());
    let mut rng = Rng::new(14);
    for number in 1..4 {
        machine.handle(Time::ZERO, Input::Linked(ion(number)), &mut effects);
    }
    let wanted = vec![Wanted { cid: cid(b"one"), bytes_max: CHUNK_BYTES }];
    machine.handle(Time::ZERO, Input::Fetch(wanted, Order::Bulk), &mut effects);
    let (asker, lack) = (Asker::Own, vec![cid(b"one")]);
    machine.handle(Time::ZERO, Input::Looked { asker, have: vec![], lack }, &mut effects);
    for round in 0..4_000 {
        let now = Time::from_ms(round * 20);
        for message in messages() {
            let frame = mutant(&wire::encode(&message), &mut rng);
            machine.handle(now, Input::Frame(ion(2), frame), &mut effects);
        }
        machine.handle(now, Input::Tick, &mut effects);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Store(..))));
        effects.clear();
    }
    let now = Time::from_ms(100_000);
    let bytes = b"one".to_vec();
    for message in [
        Message::Have(vec![cid(b"one")]),
        Message::Piece(Piece { cid: cid(b"one"), offset: 0, total: 3, bytes }),
    ] {
        machine.handle(now, Input::Frame(ion(1), wire::encode(&message)), &mut effects);
    }
    assert_eq!(effects.last(), Some(&Effect::Store(cid(b"one"), b"one".to_vec())));
}

/// What ions say that they hold: parts come out in bounds, whatever is said.
#[test]
fn changed_statements() {
    let offer = Offer { capacity_mib: 4_096, has_room: true, is_leaving: false };
    let file = Cid::of(Codec::DagCbor, b"hello");
    let parts = (0..40).map(|number| Part { file, number });
    let samples = [Statement::new(offer, []), Statement::new(offer, parts)];
    fuzz("statements", &samples.map(|sample| sample.encode()), |bytes| {
        let Some(read) = Statement::decode(bytes) else { return false };
        assert!(read.parts().count() <= holdings::PARTS_MAX);
        true
    });
}

#[test]
fn changed_letters() {
    let ion = |number| IonId::from_bytes([number; 32]);
    let bytes = vec![7; 30].into();
    let file = Enclosed { name: "a.txt".to_owned(), media_type: "text/plain".to_owned(), bytes };
    let letter = |text: &str, files| Letter::new(ion(1), ion(2), 5, text.to_owned(), files);
    let samples = [letter("hello", vec![]), letter("", vec![file])];
    let samples = samples.map(|letter| letter.expect("it is in its bounds").encode());
    fuzz("letters", &samples, |bytes| {
        let Some(read) = Letter::decode(bytes) else { return false };
        assert!(read.files.iter().map(|file| file.bytes.len()).sum::<usize>() <= FILES_BYTES_MAX);
        true
    });
}

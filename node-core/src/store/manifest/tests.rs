use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::platform::sim::Rng;

const MIN: u32 = CHUNK_BYTES_MIN;

/// A name that nobody has bytes of; cheap to make.
fn name(number: u64) -> Cid {
    Cid::of(Codec::Raw, &number.to_le_bytes())
}

/// A file of that size whose chunks are named by their numbers, with its lists.
fn file(size: u64, fanout: u64) -> (Manifest, BTreeMap<Cid, Vec<u8>>) {
    let mut builder = Builder::with_fanout(MIN, fanout).expect("it is the shortest");
    let mut lists = Vec::new();
    for index in 0..size.div_ceil(u64::from(MIN)) {
        let rest = size - index * u64::from(MIN);
        let bytes = u32::try_from(rest.min(u64::from(MIN))).expect("it is a chunk's length");
        builder.push(name(index), bytes, &mut lists).expect("it is the next chunk");
    }
    let manifest = builder.finish(MEDIA_TYPE_ANY, &mut lists).expect("it is a media type");
    (manifest, lists.into_iter().map(|list| (list.cid, list.bytes)).collect())
}

fn pieces(manifest: &Manifest, lists: &BTreeMap<Cid, Vec<u8>>, range: (u64, u64)) -> Vec<Piece> {
    let mut walk = manifest.walk(range.0..range.1);
    let mut found = Vec::new();
    loop {
        match walk.step() {
            Step::List(cid) => walk.give(&lists[&cid]).expect("it is the list"),
            Step::Chunk(piece) => found.push(piece),
            Step::End => return found,
        }
    }
}

/// Of a length that files were once cut into: they are read as before.
#[test]
fn golden() {
    let chunk_bytes = 256 << 10;
    let mut builder = Builder::new(chunk_bytes).expect("it is within bounds");
    let mut lists = Vec::new();
    for (content, bytes) in [(&b"one"[..], chunk_bytes), (b"two", 3)] {
        builder.push(Cid::of(Codec::Raw, content), bytes, &mut lists).expect("it is a chunk");
    }
    let manifest = builder.finish("text/plain", &mut lists).expect("it is a media type");
    assert_eq!(lists, []);
    let block = manifest.block();
    assert_eq!(
        block.cid.to_string(),
        "bafyr4ibkausfy7aonzezxoa3vyd6x23drvvfigoaeent4hucru5prunjaa"
    );
    assert_eq!(Manifest::decode(&block.bytes), Ok(manifest));
}

#[test]
fn an_empty_file_has_no_chunk() {
    let (manifest, lists) = file(0, LINKS_MAX);
    assert_eq!((manifest.size(), manifest.chunks(), lists.len()), (0, 0, 0));
    assert_eq!(pieces(&manifest, &lists, (0, u64::MAX)), []);
    assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
}

/// At the borders of every depth, what fits into one block stays in one.
#[test]
fn a_block_is_added_only_when_the_last_is_full() {
    let chunk = u64::from(MIN);
    for (chunks, expected) in [(4, 0), (5, 2), (16, 4), (17, 7), (64, 20), (65, 24)] {
        let (manifest, lists) = file(chunks * chunk, 4);
        assert_eq!((manifest.chunks(), lists.len()), (chunks, expected));
    }
    let (whole, lists) = file(LINKS_MAX * chunk, LINKS_MAX);
    assert_eq!((whole.links.len() as u64, lists.len()), (LINKS_MAX, 0));
    let (larger, lists) = file(LINKS_MAX * chunk + 1, LINKS_MAX);
    assert_eq!((larger.links.len(), lists.len()), (2, 2));
    for manifest in [whole, larger] {
        assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
    }
}

#[test]
fn chunks_that_make_no_file_are_refused() {
    assert_eq!(Builder::new(MIN - 1).err(), Some(Refusal::ChunkLength));
    assert_eq!(Builder::new(CHUNK_BYTES + 1).err(), Some(Refusal::ChunkLength));
    let mut builder = Builder::new(MIN).expect("it is the shortest");
    let mut lists = Vec::new();
    for bytes in [0, MIN + 1] {
        let refusal = Refusal::ChunkSize { expected: MIN, found: u64::from(bytes) };
        assert_eq!(builder.push(name(0), bytes, &mut lists), Err(refusal));
    }
    let list = Cid::of(Codec::DagCbor, b"list");
    assert_eq!(builder.push(list, 1, &mut lists), Err(Refusal::Kind));
    assert_eq!(builder.push(name(0), 1, &mut lists), Ok(()));
    let refusal = Refusal::ChunkSize { expected: MIN, found: 1 };
    assert_eq!(builder.push(name(1), 1, &mut lists), Err(refusal), "after the last");
    assert_eq!(builder.finish("image", &mut lists).err(), Some(Refusal::MediaType));
}

fn root(size: u64, links: Vec<Cid>) -> Root {
    let media_type = "image/png".to_owned();
    Root { version: VERSION, media_type, size, chunk_bytes: MIN, links }
}

fn refusal(root: &Root) -> Option<Refusal> {
    Manifest::decode(&codec::encode(root)).err()
}

#[test]
fn lies_of_manifests_are_refused() {
    let (three, chunk) = (vec![name(0), name(1), name(2)], u64::from(MIN));
    assert_eq!(refusal(&root(2 * chunk + 1, three.clone())), None);
    for (size, expected) in [(2 * chunk, 2), (3 * chunk + 1, 4), (0, 0), (LINKS_MAX * chunk, 4_096)]
    {
        let links = Refusal::Links { expected, found: 3 };
        assert_eq!(refusal(&root(size, three.clone())), Some(links));
    }
    // So large a file names lists, and these are chunks.
    assert_eq!(refusal(&root(3 * LINKS_MAX * chunk, three.clone())), Some(Refusal::Kind));
    assert_eq!(refusal(&root(FILE_BYTES_MAX + 1, vec![])), Some(Refusal::TooLarge));
    assert_eq!(refusal(&root(u64::MAX, vec![])), Some(Refusal::TooLarge));
    let shorter = Root { chunk_bytes: 0, ..root(0, vec![]) };
    assert_eq!(refusal(&shorter), Some(Refusal::ChunkLength));
    let later = Root { version: 2, ..root(0, vec![]) };
    assert_eq!(refusal(&later), Some(Refusal::Version { version: 2 }));
    let list = Cid::of(Codec::DagCbor, b"list");
    assert_eq!(refusal(&root(1, vec![list])), Some(Refusal::Kind));
    for media_type in ["", "image", "/", "a/b/c", "a /b", "a/\u{e4}", "a/b\n", &"a/".repeat(65)] {
        let odd = Root { media_type: media_type.to_owned(), ..root(0, vec![]) };
        assert_eq!(refusal(&odd), Some(Refusal::MediaType), "{media_type}");
    }
    let many = root(LINKS_MAX * chunk, vec![name(0); NODE_BYTES_MAX / LINK_BYTES + 1]);
    assert_eq!(refusal(&many), Some(Refusal::Malformed), "it is too long to be read at all");
}

#[test]
fn a_later_version_with_other_fields_is_told_as_such() {
    #[derive(Serialize)]
    struct Later {
        version: u32,
        shards: u32,
    }
    let bytes = codec::encode(&Later { version: 3, shards: 5 });
    assert_eq!(Manifest::decode(&bytes), Err(Refusal::Version { version: 3 }));
    assert_eq!(Manifest::decode(&[&bytes[..], &[0]].concat()), Err(Refusal::Malformed));
}

#[test]
fn lies_of_lists_are_refused() {
    let (manifest, lists) = file(6 * u64::from(MIN), 4);
    let mut walk = manifest.walk(0..1);
    let Step::List(cid) = walk.step() else { panic!("chunks stand in lists here") };
    let mut altered = lists[&cid].clone();
    altered[40] ^= 1;
    assert_eq!(walk.give(&altered), Err(Refusal::Bytes));
    assert_eq!(walk.step(), Step::List(cid));
    walk.give(&lists[&cid]).expect("it is the list");
    assert_eq!(walk.give(&lists[&cid]), Err(Refusal::Unasked));
    let refused = |list: Block| {
        let mut links = manifest.links.clone();
        links[0] = list.cid;
        Walk::new(manifest.shape, links, 0..1).give(&list.bytes)
    };
    let short = List::block(vec![name(0); 3]);
    assert_eq!(refused(short), Err(Refusal::Links { expected: 4, found: 3 }));
    assert_eq!(refused(List::block(vec![cid; 4])), Err(Refusal::Kind), "one level too many");
    assert_eq!(refused(manifest.block()), Err(Refusal::Malformed), "a manifest is no list");
    let later = codec::encode(&List { version: 9, links: vec![name(0); 4] });
    assert_eq!(refused(Block::of(Codec::DagCbor, later)), Err(Refusal::Version { version: 9 }));
}

#[test]
fn a_chunk_of_another_length_is_refused() {
    let chunk = Block::of(Codec::Raw, b"hello".to_vec());
    let mut piece = Piece { cid: chunk.cid, index: 0, bytes: 5, range: 1..3 };
    assert_eq!(piece.of(&chunk.bytes), Ok(&b"el"[..]));
    assert_eq!(piece.of(b"hallo"), Err(Refusal::Bytes));
    piece.bytes = 6;
    assert_eq!(piece.of(&chunk.bytes), Err(Refusal::ChunkSize { expected: 6, found: 5 }));
}

proptest! {
    /// Every range of a file of every depth: the pieces are the chunks that
    /// lie in it, in order, and their parts make the range.
    #[test]
    fn a_walk_finds_what_lies_in_a_range(
        size in 0_u64..80 * u64::from(MIN),
        fanout in 2_u64..6,
        from in 0_u64..90 * u64::from(MIN),
        len in 0_u64..90 * u64::from(MIN),
    ) {
        let (manifest, lists) = file(size, fanout);
        let (mut place, end) = (from, (from + len).min(size));
        for piece in pieces(&manifest, &lists, (from, from + len)) {
            prop_assert_eq!(piece.cid, name(piece.index));
            prop_assert_eq!(piece.index * u64::from(MIN) + u64::from(piece.range.start), place);
            prop_assert!(piece.range.start < piece.range.end && piece.range.end <= piece.bytes);
            let is_last = piece.index + 1 == manifest.chunks();
            prop_assert_eq!(piece.bytes < MIN, is_last && !size.is_multiple_of(u64::from(MIN)));
            place += u64::from(piece.range.end - piece.range.start);
        }
        prop_assert_eq!(place, end.max(from));
    }

    /// A list that was changed but bears its own name does not lead a walk out
    /// of bounds or on for ever.
    #[test]
    fn a_walk_over_random_lists_ends(seed in 0_u64.., size in 0_u64..80 * u64::from(MIN)) {
        let mut rng = Rng::new(seed);
        let (manifest, lists) = file(size, 3);
        let mut walk = manifest.walk(0..size);
        for _ in 0..10_000 {
            match walk.step() {
                Step::End => return Ok(()),
                Step::Chunk(piece) => prop_assert!(piece.index < manifest.chunks()),
                Step::List(cid) => {
                    let mut bytes = lists[&cid].clone();
                    let place = usize::try_from(rng.below(bytes.len() as u64)).expect("it is short");
                    bytes[place] ^= 1;
                    prop_assert_eq!(walk.give(&bytes), Err(Refusal::Bytes));
                    walk.give(&lists[&cid]).expect("it is the list");
                }
            }
        }
        prop_assert!(false, "the walk does not end");
    }
}

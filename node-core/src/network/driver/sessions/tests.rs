use super::*;

const ROOM: Room = Room::Compute;
const WORDS: &[u8] = b"these";

/// Whether a reader may go on.
fn goes(read: &mut ToRead) -> bool {
    matches!(read.go.try_recv(), Ok(Some(())))
}

fn opened(session: &mut Session, number: u64) -> (ToRead, bool) {
    let read = session.accept(ROOM, number).expect("there are few");
    let is_first = session.open(ROOM, number, WORDS);
    (read, is_first)
}

#[test]
fn a_moved_stream_is_read_to_its_end_before_its_successor() {
    let mut session = Session::default();
    let (mut old, is_first) = opened(&mut session, 1);
    assert!(is_first && goes(&mut old));
    let (mut new, is_first) = opened(&mut session, 2);
    assert!(!is_first && !goes(&mut new));
    assert!(session.hears(1), "the old one still counts");
    assert!(!session.ended(1, true), "a move ends no session");
    assert!(goes(&mut new) && session.hears(2));
    assert!(!session.ended(1, false), "it is told once more, and means nothing");
    assert!(session.ended(2, false), "nobody carries on");
}

#[test]
fn a_successor_may_be_late() {
    let mut session = Session::default();
    let _old = opened(&mut session, 1);
    assert!(!session.ended(1, true));
    let (mut new, is_first) = opened(&mut session, 2);
    assert!(is_first && goes(&mut new));
}

#[test]
fn a_stream_that_takes_the_place_of_a_dead_one_ends_it() {
    let mut session = Session::default();
    let _dead = opened(&mut session, 1);
    let (_new, _) = opened(&mut session, 2);
    // Its reader had waited long enough and tells a frame.
    assert!(session.hears(2));
    assert!(!session.hears(1));
    assert!(!session.ended(1, false));
}

#[test]
fn other_words_begin_a_new_session() {
    let mut session = Session::default();
    let (old, _) = opened(&mut session, 1);
    let _new = session.accept(ROOM, 2).expect("there are few");
    assert!(session.open(ROOM, 2, b"others"));
    assert!(!session.hears(1) && session.hears(2));
    drop(old);
}

#[test]
fn streams_are_asked_for_once_for_each_kind_of_connection() {
    let mut session = Session { opening: Some(WORDS.to_vec()), ..Session::default() };
    session.queue(ROOM, vec![1], 10).expect("there is room");
    assert_eq!(session.request(|| 11), [], "no way is known yet");
    session.go_by(Way::Relayed);
    assert_eq!(session.request(|| 11), [(ROOM, 11, Way::Relayed)]);
    assert_eq!(session.request(|| 12), []);
    session.go_by(Way::Direct);
    assert_eq!(session.request(|| 13), [(ROOM, 13, Way::Direct)]);
    assert_eq!(session.unopened(11), None, "nobody waits for that one any more");
    assert_eq!(session.unopened(13), Some(10));
}

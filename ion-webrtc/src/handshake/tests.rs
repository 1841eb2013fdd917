use super::*;

fn handle(session: &mut Session, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    session.handle(input, &mut effects);
    effects
}

fn candidate(name: &str) -> IceCandidate {
    IceCandidate::of_line(name.to_owned())
}

fn sent(message: Message) -> Vec<Effect> {
    vec![Effect::Send(message)]
}

#[test]
fn an_offerer_opens_offers_and_is_done_when_init_is_open() {
    let mut session = Session::new(Role::Offerer);
    assert_eq!(handle(&mut session, Input::Begin), [Effect::OpenInit, Effect::Describe]);
    let offer = Message::Offer("o".to_owned());
    assert_eq!(handle(&mut session, Input::Described("o".to_owned())), sent(offer));
    let found = Input::Found(Some(candidate("mine")));
    let told = Message::Candidate(Some(candidate("mine")));
    assert_eq!(handle(&mut session, found), sent(told));
    let early = Input::Received(Message::Candidate(Some(candidate("early"))));
    assert_eq!(handle(&mut session, early), [], "before the answer it waits");
    assert_eq!(
        handle(&mut session, Input::Received(Message::Answer("a".to_owned()))),
        [Effect::SetRemote(SdpKind::Answer, "a".to_owned()), Effect::Add(candidate("early"))]
    );
    assert_eq!(handle(&mut session, Input::Connected), [], "the channel counts");
    assert_eq!(handle(&mut session, Input::SignalingEnded), [], "no longer needed");
    let mut answered_fast = session.clone();
    assert_eq!(handle(&mut session, Input::InitOpened), [Effect::Done]);
    assert_eq!(handle(&mut answered_fast, Input::InitClosed), [Effect::Done]);
    assert_eq!(handle(&mut session, Input::Closed), [], "it is over");
}

#[test]
fn an_answerer_answers_and_is_done_when_connected() {
    let mut session = Session::new(Role::Answerer);
    assert_eq!(handle(&mut session, Input::Begin), []);
    assert_eq!(
        handle(&mut session, Input::Received(Message::Offer("o".to_owned()))),
        [Effect::SetRemote(SdpKind::Offer, "o".to_owned()), Effect::Describe]
    );
    assert_eq!(handle(&mut session, Input::Found(None)), [], "after the answer");
    assert_eq!(
        handle(&mut session, Input::Described("a".to_owned())),
        [Effect::Send(Message::Answer("a".to_owned())), Effect::Send(Message::Candidate(None))]
    );
    assert_eq!(handle(&mut session, Input::InitOpened), [], "left to the offerer");
    assert_eq!(handle(&mut session, Input::Connected), [Effect::Done]);
}

#[test]
fn failures_say_what_was_missing() {
    let failed = |session: &mut Session, input| match &handle(session, input)[..] {
        [Effect::Fail(failure)] => failure.clone(),
        other => panic!("{other:?}"),
    };
    let mut session = Session::new(Role::Offerer);
    assert_eq!(failed(&mut session, Input::SignalingEnded), Failure::Refused);
    let mut session = Session::new(Role::Offerer);
    handle(&mut session, Input::Described(String::new()));
    assert_eq!(failed(&mut session, Input::TimedOut), Failure::TimedOut(Stage::Answering));
    let mut session = Session::agreed(Role::Offerer, 0, 2);
    let none = Failure::NoCandidates { local: 0, remote: 2 };
    assert_eq!(failed(&mut session.clone(), Input::TimedOut), none);
    assert_eq!(failed(&mut session, Input::Unreachable), none);
    let mut session = Session::agreed(Role::Answerer, 1, 2);
    assert_eq!(failed(&mut session.clone(), Input::TimedOut), Failure::TimedOut(Stage::Connecting));
    assert_eq!(failed(&mut session, Input::Unreachable), Failure::Ice { local: 1, remote: 2 });
}

#[test]
fn what_does_not_belong_is_refused() {
    let refused = |mut session: Session, message| {
        let effects = handle(&mut session, Input::Received(message));
        assert_eq!(effects, [Effect::Fail(Failure::Signaling)]);
    };
    refused(Session::new(Role::Offerer), Message::Offer(String::new()));
    refused(Session::new(Role::Offerer), Message::Answer(String::new()));
    refused(Session::new(Role::Answerer), Message::Answer(String::new()));
    let mut session = Session::new(Role::Answerer);
    handle(&mut session, Input::Received(Message::Offer(String::new())));
    refused(session, Message::Offer(String::new()));
}

#[test]
fn an_offer_that_names_too_many_candidates_is_refused() {
    let offer = |count| "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n".repeat(count);
    let takes = |count| {
        let mut session = Session::new(Role::Answerer);
        let effects = handle(&mut session, Input::Received(Message::Offer(offer(count))));
        effects.iter().any(|effect| matches!(effect, Effect::SetRemote(..)))
    };
    assert_eq!([CANDIDATES_MAX, CANDIDATES_MAX + 1].map(takes), [true, false]);
}

#[test]
fn candidates_without_end_are_refused() {
    let mut session = Session::new(Role::Answerer);
    for _ in 0..CANDIDATES_MAX {
        let more = Message::Candidate(Some(candidate("x")));
        assert_eq!(handle(&mut session, Input::Received(more)), []);
    }
    let more = Message::Candidate(Some(candidate("x")));
    let effects = handle(&mut session, Input::Received(more));
    assert_eq!(effects, [Effect::Fail(Failure::Signaling)]);
}

#[test]
fn both_sides_agree_who_offers() {
    let (a, b) = (libp2p::PeerId::random(), libp2p::PeerId::random());
    assert_ne!(glare(&a, &b), glare(&b, &a));
}

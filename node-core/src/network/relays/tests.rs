use super::*;

fn handle(relays: &mut Relays, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    relays.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

fn joined() -> Relays {
    let mut relays = Relays::default();
    handle(&mut relays, 0, Input::Namespace("ours".to_owned()));
    handle(&mut relays, 0, Input::Known(vec!["/relay".to_owned()]));
    handle(&mut relays, 0, Input::Company(0));
    handle(&mut relays, 10, Input::Reserved(0));
    handle(&mut relays, 20, Input::Registered(0));
    relays
}

#[test]
fn a_relay_is_reached_then_registered_at_and_asked() {
    let mut relays = Relays::default();
    handle(&mut relays, 0, Input::Namespace("ours".to_owned()));
    let known = handle(&mut relays, 0, Input::Known(vec!["/relay".to_owned()]));
    assert_eq!(known, [Effect::Connect(0, "/relay".to_owned())]);
    let reserved = handle(&mut relays, 5, Input::Reserved(0));
    let namespace = "ours".to_owned();
    let expected = [Effect::Register(0, namespace.clone()), Effect::Discover(0, namespace.clone())];
    assert_eq!(reserved, expected);
    assert!(!relays.is_registered());
    let registered = handle(&mut relays, 9, Input::Registered(0));
    assert_eq!(registered, [Effect::Discover(0, namespace)]);
    assert!(relays.is_registered());
}

#[test]
fn a_lost_relay_is_tried_ever_less_often() {
    let mut relays = joined();
    let mut now = 100;
    let mut pauses = Vec::new();
    for _ in 0..8 {
        handle(&mut relays, now, Input::Lost(0, "gone".to_owned()));
        let begin = now;
        while handle(&mut relays, now, Input::Tick).is_empty() {
            now += 100;
        }
        pauses.push(now - begin);
    }
    assert_eq!(pauses[..3], [500, 1_000, 2_000]);
    assert_eq!(pauses[7], RETRY_MS_MAX);
    assert!(relays.are_down());
    assert_eq!(relays.all()[0].problem, "gone");
}

fn addressed(addresses: &[&str]) -> Input {
    Input::Known(addresses.iter().map(|&address| address.to_owned()).collect())
}

fn connects(effects: &[Effect]) -> Vec<(RelayIndex, &str)> {
    let connect = |effect| match effect {
        &Effect::Connect(index, ref address) => Some((index, address.as_str())),
        _ => None,
    };
    effects.iter().filter_map(connect).collect()
}

const DIRECT: &str = "/ip4/1.2.3.4/udp/5/webrtc-direct/certhash/uEi/p2p/a";
const TCP: &str = "/ip4/1.2.3.4/tcp/5/p2p/a";
const WEBSOCKET: &str = "/dns4/wss.example/tcp/5/wss/p2p/a";

#[test]
fn each_address_is_tried_in_turn_before_the_relay_rests() {
    let mut relays = Relays::default();
    let known = handle(&mut relays, 0, addressed(&[DIRECT, TCP, WEBSOCKET]));
    assert_eq!(connects(&known), [(0, WEBSOCKET)], "one relay, WebSocket first");
    let next = handle(&mut relays, 1, Input::Lost(0, "blocked".to_owned()));
    assert_eq!((connects(&next), relays.are_down()), (vec![(0, DIRECT)], false));
    let next = handle(&mut relays, 2, Input::Lost(0, "silent".to_owned()));
    assert_eq!(connects(&next), [(0, TCP)]);
    assert_eq!(handle(&mut relays, 3, Input::Lost(0, "not mine".to_owned())), []);
    assert!(relays.are_down());
    assert_eq!(relays.all()[0].problem, "blocked", "what is wrong with the first choice");
    assert_eq!(handle(&mut relays, 2 + RETRY_MS, Input::Tick), [], "it rests");
    let again = handle(&mut relays, 3 + RETRY_MS, Input::Tick);
    assert_eq!(connects(&again), [(0, WEBSOCKET)]);
}

#[test]
fn the_address_that_led_there_serves_until_it_is_lost() {
    let mut relays = Relays::default();
    handle(&mut relays, 0, addressed(&[WEBSOCKET, DIRECT]));
    handle(&mut relays, 1, Input::Lost(0, "blocked".to_owned()));
    handle(&mut relays, 2, Input::Reserved(0));
    assert_eq!((relays.all()[0].address.as_str(), relays.are_down()), (DIRECT, false));
    assert_eq!(handle(&mut relays, 3, Input::Lost(0, "gone".to_owned())), []);
    assert_eq!(relays.all()[0].problem, "gone");
    let again = handle(&mut relays, 3 + RETRY_MS, Input::Tick);
    assert_eq!(connects(&again), [(0, WEBSOCKET)], "the first choice is first again");
}

#[test]
fn an_address_that_never_answers_is_followed_by_the_next() {
    let mut relays = Relays::default();
    handle(&mut relays, 0, addressed(&[WEBSOCKET, DIRECT]));
    let late = handle(&mut relays, REACH_MS + 1, Input::Tick);
    assert_eq!(late, [Effect::Disconnect(0), Effect::Connect(0, DIRECT.to_owned())]);
    assert_eq!(handle(&mut relays, 2 * REACH_MS + 1, Input::Tick), [], "its own time");
    let late = handle(&mut relays, 2 * REACH_MS + 2, Input::Tick);
    assert_eq!(late, [Effect::Disconnect(0)]);
}

#[test]
fn what_is_told_later_takes_the_place_of_what_is_old() {
    let mut relays = Relays::default();
    handle(&mut relays, 0, addressed(&["/old/1/p2p/a", "/old/2/p2p/a", "/b/p2p/b"]));
    assert_eq!(relays.all().len(), 2);
    let told: Vec<String> = (0..9).map(|number| format!("/new/{number}/p2p/a")).collect();
    assert_eq!(connects(&handle(&mut relays, 1, Input::Known(told))), [], "under way already");
    assert_eq!(relays.all()[0].addresses.len(), ADDRESSES_MAX);
    let next = handle(&mut relays, 2, Input::Lost(0, String::new()));
    assert_eq!(connects(&next), [(0, "/old/2/p2p/a")], "this round ends as it began");
    handle(&mut relays, 3, Input::Lost(0, String::new()));
    let again = handle(&mut relays, 3 + RETRY_MS, Input::Tick);
    assert_eq!(connects(&again), [(0, "/new/0/p2p/a")]);
}

#[test]
fn an_ion_asks_often_while_alone_only() {
    let mut relays = joined();
    assert_eq!(handle(&mut relays, 20 + ASK_ALONE_MS, Input::Tick).len(), 1);
    handle(&mut relays, 3_000, Input::Company(1));
    assert_eq!(handle(&mut relays, 20 + 3 * ASK_ALONE_MS, Input::Tick), []);
    assert_eq!(handle(&mut relays, 3_000 + ASK_MS, Input::Tick).len(), 1);
}

#[test]
fn a_relay_that_never_answers_is_given_up() {
    let mut relays = Relays::default();
    handle(&mut relays, 0, Input::Known(vec!["/relay".to_owned()]));
    assert_eq!(handle(&mut relays, REACH_MS, Input::Tick), []);
    let late = handle(&mut relays, REACH_MS + 1, Input::Tick);
    assert_eq!(late, [Effect::Disconnect(0)]);
}

#[test]
fn a_registration_is_renewed_before_it_lapses_and_stands_meanwhile() {
    let mut relays = joined();
    handle(&mut relays, 100, Input::Company(1));
    let effects = handle(&mut relays, 21 + REGISTER_MS, Input::Tick);
    assert_eq!(effects[0], Effect::Register(0, "ours".to_owned()));
    assert!(relays.is_registered());
    assert_eq!(handle(&mut relays, 30 + REGISTER_MS, Input::Registered(0)), []);
}

#[test]
fn a_relay_without_room_is_kept_and_asked_again() {
    let mut relays = joined();
    handle(&mut relays, 100, Input::Company(1));
    handle(&mut relays, 200, Input::Unlisted(0, "full".to_owned()));
    assert!(!relays.is_registered() && !relays.are_down());
    assert_eq!(relays.all()[0].problem, "full");
    let mut effects = Vec::new();
    for seconds in 1..=REGISTER_MS / 1_000 + 1 {
        effects.extend(handle(&mut relays, 200 + seconds * 1_000, Input::Tick));
    }
    assert!(effects.contains(&Effect::Register(0, "ours".to_owned())), "{effects:?}");
    assert!(effects.contains(&Effect::Discover(0, "ours".to_owned())), "{effects:?}");
    assert!(!effects.contains(&Effect::Disconnect(0)), "{effects:?}");
    handle(&mut relays, 60_000, Input::Registered(0));
    assert!(relays.is_registered());
    assert_eq!(relays.all()[0].problem, "");
    handle(&mut relays, 60_001, Input::Lost(0, "gone".to_owned()));
    handle(&mut relays, 60_002, Input::Unlisted(0, "full".to_owned()));
    assert!(relays.are_down(), "a late answer brings no relay back");
}

#[test]
fn another_nebula_means_another_registration() {
    let mut relays = joined();
    let effects = handle(&mut relays, 50, Input::Namespace("other".to_owned()));
    let expected = [
        Effect::Unregister(0, "ours".to_owned()),
        Effect::Register(0, "other".to_owned()),
        Effect::Discover(0, "other".to_owned()),
    ];
    assert_eq!(effects, expected);
    assert!(!relays.is_registered());
}

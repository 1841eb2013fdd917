use super::*;

const ION: u8 = 7;

fn ion() -> IonId {
    IonId::from_bytes([ION; 32])
}

struct Story {
    ways: Ways,
    now: Time,
}

impl Story {
    fn new(can_direct: bool) -> Self {
        Self { ways: Ways::new(can_direct), now: Time::from_ms(1_000) }
    }

    fn take(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.ways.handle(self.now, input, &mut effects);
        effects
    }

    fn after(&mut self, ms: u64) -> Vec<Effect> {
        self.now = self.now.plus_ms(ms);
        self.take(Input::Tick)
    }

    fn fail(&mut self, way: Way) -> Vec<Effect> {
        self.take(Input::Failed(ion(), way, "no address".to_owned()))
    }
}

#[test]
fn a_direct_connection_is_tried_first_and_used() {
    let mut story = Story::new(true);
    assert_eq!(story.take(Input::Wanted(ion())), [Effect::Dial(ion(), Way::Direct)]);
    // The circuit that carries the signaling is not talked over at once.
    assert_eq!(story.take(Input::Connected(ion(), Way::Relayed)), []);
    let used = Effect::Use(ion(), Way::Direct, String::new());
    assert_eq!(story.take(Input::Connected(ion(), Way::Direct)), [used]);
    assert_eq!(story.take(Input::Disconnected(ion(), Way::Relayed)), []);
    assert_eq!(story.after(AGAIN_MS_MAX), []);
}

#[test]
fn a_slow_direct_connection_is_bridged_by_the_relayed_one() {
    let mut story = Story::new(true);
    story.take(Input::Wanted(ion()));
    story.take(Input::Connected(ion(), Way::Relayed));
    let relayed = Effect::Use(ion(), Way::Relayed, String::new());
    assert_eq!(story.after(PATIENCE_MS), [relayed]);
    let direct = Effect::Use(ion(), Way::Direct, String::new());
    assert_eq!(story.take(Input::Connected(ion(), Way::Direct)), [direct]);
}

#[test]
fn a_failed_direct_connection_leaves_the_relayed_one_and_its_reason() {
    let mut story = Story::new(true);
    story.take(Input::Wanted(ion()));
    story.take(Input::Connected(ion(), Way::Relayed));
    let relayed = Effect::Use(ion(), Way::Relayed, "no address".to_owned());
    assert_eq!(story.fail(Way::Direct), [relayed]);
    assert_eq!(story.after(AGAIN_MS), [Effect::Dial(ion(), Way::Direct)]);
    assert_eq!(story.fail(Way::Direct), []);
    // Ever less often.
    assert_eq!(story.after(AGAIN_MS), []);
    assert_eq!(story.after(AGAIN_MS), [Effect::Dial(ion(), Way::Direct)]);
}

#[test]
fn without_any_connection_the_ion_is_unreached() {
    let mut story = Story::new(true);
    story.take(Input::Wanted(ion()));
    assert_eq!(story.fail(Way::Direct), [Effect::Dial(ion(), Way::Relayed)]);
    assert_eq!(story.fail(Way::Relayed), [Effect::Unreached(ion())]);
    assert_eq!(story.after(AGAIN_MS_MAX), []);
    assert!(story.ways.ways.is_empty());
}

#[test]
fn an_ion_that_cannot_connect_directly_uses_circuits_alone() {
    let mut story = Story::new(false);
    assert_eq!(story.take(Input::Wanted(ion())), [Effect::Dial(ion(), Way::Relayed)]);
    let relayed = Effect::Use(ion(), Way::Relayed, String::new());
    assert_eq!(story.take(Input::Connected(ion(), Way::Relayed)), [relayed]);
    assert_eq!(story.after(AGAIN_MS_MAX), []);
}

#[test]
fn the_end_of_the_used_connection_is_told_and_another_is_used_when_wanted_again() {
    let mut story = Story::new(true);
    story.take(Input::Wanted(ion()));
    story.take(Input::Connected(ion(), Way::Relayed));
    story.take(Input::Connected(ion(), Way::Direct));
    let gone = story.take(Input::Disconnected(ion(), Way::Direct));
    assert_eq!(gone, [Effect::Unreached(ion())]);
    // The circuit is there at once, and a direct connection is tried anew.
    assert_eq!(story.take(Input::Wanted(ion())), [Effect::Dial(ion(), Way::Direct)]);
}

#[test]
fn the_answering_side_uses_what_the_other_made() {
    let mut story = Story::new(true);
    assert_eq!(story.take(Input::Connected(ion(), Way::Relayed)), []);
    assert_eq!(story.take(Input::Connected(ion(), Way::Direct)), []);
    let used = Effect::Use(ion(), Way::Direct, String::new());
    assert_eq!(story.take(Input::Wanted(ion())), [used]);
    assert_eq!(story.take(Input::Unwanted(ion())), []);
    story.take(Input::Disconnected(ion(), Way::Direct));
    story.take(Input::Disconnected(ion(), Way::Relayed));
    assert!(story.ways.ways.is_empty());
}

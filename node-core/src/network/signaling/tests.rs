use super::*;
use crate::identity::{Invitation, SimKeys};

fn ion(salt: u8) -> IonId {
    IonId::from_bytes([salt; 32])
}

fn nebula(salt: u8) -> NebulaId {
    Invitation::found("lab", false, vec![], &[salt; 48]).expect("it is valid").nebula
}

fn machine(salt: u8) -> Signaling {
    Signaling::new(Arc::new(SimKeys::of(ion(salt))), nebula(1), Rng::new(salt.into()))
}

fn step(machine: &mut Signaling, ms: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    machine.handle(Time::from_ms(ms), input, &mut effects);
    effects
}

/// The offer that an ion routes to another.
fn offer(machine: &mut Signaling, ms: u64, to: u8) -> Vec<u8> {
    let made = step(machine, ms, Input::Connect(ion(to)));
    let [Effect::MakeOffer(attempt, _)] = made[..] else { panic!("{made:?}") };
    let routed = step(machine, ms, Input::Offer { attempt, description: b"offer".to_vec() });
    match &routed[..] {
        [Effect::Route(_, bytes)] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

/// The answer that an ion routes to an offer.
fn answer(machine: &mut Signaling, ms: u64, from: u8, offer: &[u8]) -> Vec<u8> {
    let heard = step(machine, ms, Input::Heard(ion(from), offer.to_vec()));
    let Some(Effect::MakeAnswer(attempt, _, description)) = heard.last() else {
        panic!("{heard:?}")
    };
    assert_eq!(description, b"offer");
    let (attempt, description) = (*attempt, b"answer".to_vec());
    match &step(machine, ms, Input::Answer { attempt, description })[..] {
        [Effect::Route(_, bytes)] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offer_is_answered_and_accepted() {
    let (mut one, mut two) = (machine(1), machine(2));
    let offer = offer(&mut one, 0, 2);
    let answer = answer(&mut two, 1, 1, &offer);
    let accepted = step(&mut one, 2, Input::Heard(ion(2), answer.clone()));
    assert_eq!(accepted, [Effect::Accept(1, ion(2), b"answer".to_vec())]);
    assert_eq!(step(&mut one, 3, Input::Heard(ion(2), answer)), []);
    step(&mut one, 4, Input::Up(ion(2)));
    assert_eq!(step(&mut one, ATTEMPT_MS, Input::Tick), []);
    assert_eq!(one.under_way().count(), 0);
}

#[test]
fn what_is_lost_is_repeated_and_answered_the_same() {
    let (mut one, mut two) = (machine(1), machine(2));
    let offer = offer(&mut one, 0, 2);
    let answer = answer(&mut two, 1, 1, &offer);
    let again = step(&mut one, REPEAT_MS, Input::Tick);
    assert_eq!(again, [Effect::Route(ion(2), offer.clone())]);
    let repeated = step(&mut two, REPEAT_MS, Input::Heard(ion(1), offer));
    assert_eq!(repeated, [Effect::Route(ion(1), answer)]);
}

#[test]
fn when_both_offer_that_of_the_smaller_id_stands() {
    let (mut one, mut two) = (machine(1), machine(2));
    let (first, second) = (offer(&mut one, 0, 2), offer(&mut two, 0, 1));
    assert_eq!(step(&mut one, 1, Input::Heard(ion(2), second)), []);
    let heard = step(&mut two, 1, Input::Heard(ion(1), first));
    assert_eq!(heard, [Effect::Abandon(1), Effect::MakeAnswer(2, ion(1), b"offer".to_vec())]);
}

#[test]
fn a_replayed_offer_is_refused() {
    let (mut one, mut two) = (machine(1), machine(2));
    let offer = offer(&mut one, 0, 2);
    answer(&mut two, 1, 1, &offer);
    step(&mut two, 2, Input::Up(ion(1)));
    assert_eq!(step(&mut two, 60_000, Input::Heard(ion(1), offer)), []);
}

#[test]
fn what_is_forged_for_another_or_of_another_nebula_is_refused() {
    let mut one = machine(1);
    let good = offer(&mut one, 0, 2);
    let mut forged = good.clone();
    let place = forged.len() / 2;
    forged[place] ^= 1;
    let mut stranger = Signaling::new(Arc::new(SimKeys::of(ion(1))), nebula(2), Rng::new(1));
    let foreign = offer(&mut stranger, 0, 2);
    let elsewhere = offer(&mut one, 0, 3);
    for (from, bytes) in [(1, forged), (3, good), (1, foreign), (1, elsewhere), (1, vec![0xff])] {
        assert_eq!(step(&mut machine(2), 1, Input::Heard(ion(from), bytes)), []);
    }
}

#[test]
fn an_answer_counts_for_its_offer_only() {
    let (mut one, mut two) = (machine(1), machine(2));
    let old = offer(&mut one, 0, 2);
    let answer = answer(&mut two, 1, 1, &old);
    step(&mut one, 2, Input::Failed(1));
    offer(&mut one, 3, 2);
    assert_eq!(step(&mut one, 4, Input::Heard(ion(2), answer)), []);
}

#[test]
fn attempts_end_and_say_why() {
    let (mut one, mut two) = (machine(1), machine(2));
    let failed = |why| [Effect::Abandon(1), Effect::Failed(ion(2), why)];
    let offer = offer(&mut one, 0, 2);
    assert_eq!(step(&mut one, ATTEMPT_MS, Input::Tick), failed(Why::NoAnswer));
    answer(&mut two, 0, 1, &offer);
    let over = step(&mut two, ATTEMPT_MS, Input::Tick);
    assert_eq!(over, [Effect::Abandon(1), Effect::Failed(ion(1), Why::NoConnection)]);
    let mut three = machine(3);
    self::offer(&mut three, 0, 2);
    assert_eq!(step(&mut three, 1, Input::Unreachable(ion(2))), failed(Why::Unreachable));
    step(&mut three, 2, Input::Connect(ion(2)));
    let large = vec![0; wire::DESCRIPTION_BYTES_MAX + 1];
    let refused = step(&mut three, 3, Input::Offer { attempt: 2, description: large });
    assert_eq!(refused, [Effect::Abandon(2), Effect::Failed(ion(2), Why::Driver)]);
}

#[test]
fn attempts_have_a_limit_and_one_per_ion() {
    let mut one = machine(1);
    for salt in 0..ATTEMPTS_MAX {
        let to = ion(u8::try_from(salt).expect("it is small") + 10);
        assert_eq!(step(&mut one, 0, Input::Connect(to)).len(), 1);
        assert_eq!(step(&mut one, 0, Input::Connect(to)), []);
    }
    let busy = step(&mut one, 0, Input::Connect(ion(99)));
    assert_eq!(busy, [Effect::Failed(ion(99), Why::Busy)]);
}

#[test]
fn one_that_offers_without_end_is_not_answered_without_end() {
    let mut two = machine(2);
    let mut made = 0;
    for seed in 0..50 {
        let mut one = Signaling::new(Arc::new(SimKeys::of(ion(1))), nebula(1), Rng::new(seed));
        let offer = offer(&mut one, 0, 2);
        let heard = step(&mut two, 0, Input::Heard(ion(1), offer));
        made += u64::from(matches!(heard.last(), Some(Effect::MakeAnswer(..))));
        step(&mut two, 0, Input::Up(ion(1)));
    }
    assert_eq!(made, OFFERS.burst);
}

/// What a probe of one machine routes to another.
fn routed(effects: &[Effect]) -> Vec<u8> {
    match effects {
        [Effect::Route(_, bytes)] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_probe_comes_back_once_and_makes_no_connection() {
    let (mut one, mut two) = (machine(1), machine(2));
    let probe = routed(&step(&mut one, 0, Input::Probe(ion(2))));
    let back = routed(&step(&mut two, 1, Input::Heard(ion(1), probe)));
    assert_eq!(two.under_way().count(), 0);
    assert_eq!(step(&mut one, 2, Input::Heard(ion(3), back.clone())), []);
    let heard = step(&mut one, 2, Input::Heard(ion(2), back.clone()));
    assert_eq!(heard, [Effect::Probed(ion(2))]);
    assert_eq!(step(&mut one, 3, Input::Heard(ion(2), back)), []);
}

#[test]
fn a_probe_counts_for_the_last_one_asked() {
    let (mut one, mut two) = (machine(1), machine(2));
    let early = routed(&step(&mut one, 0, Input::Probe(ion(2))));
    let early = routed(&step(&mut two, 1, Input::Heard(ion(1), early)));
    step(&mut one, 2, Input::Probe(ion(3)));
    assert_eq!(step(&mut one, 3, Input::Heard(ion(2), early)), []);
}

#[test]
fn probes_are_answered_as_often_as_offers() {
    let (mut one, mut two) = (machine(1), machine(2));
    let probe = routed(&step(&mut one, 0, Input::Probe(ion(2))));
    let answers = (0..100).flat_map(|_| step(&mut two, 0, Input::Heard(ion(1), probe.clone())));
    assert_eq!(u64::try_from(answers.count()), Ok(OFFERS.burst));
    let mut stranger = Signaling::new(Arc::new(SimKeys::of(ion(4))), nebula(2), Rng::new(4));
    let probe = routed(&step(&mut stranger, 0, Input::Probe(ion(2))));
    assert_eq!(step(&mut two, 0, Input::Heard(ion(4), probe)), [], "of another nebula");
}

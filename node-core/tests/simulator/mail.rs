//! Letters among whole ions that are not awake at the same time.

use node_core::{
    node::{
        Command, Event,
        mail::{LetterState, LetterView, News, Wish},
    },
    sim::{Conditions, IonOptions, World},
};

use crate::shown;

fn told<T>(
    world: &mut World,
    ion: usize,
    ms_max: u64,
    mut found: impl FnMut(News) -> Option<T>,
) -> Option<T> {
    for _ in 0..ms_max / 100 {
        shown(world.run_for(100));
        let mut news = world.take_told(ion).into_iter().filter_map(|event| match event {
            Event::Mail(news) => found(news),
            _ => None,
        });
        if let Some(what) = news.next() {
            return Some(what);
        }
    }
    None
}

fn letters(world: &mut World, ion: usize) -> Vec<LetterView> {
    world.command(ion, Command::Mail(Wish::List { request: 3 }));
    let listed = told(world, ion, 2_000, |news| match news {
        News::Letters { request: 3, letters } => Some(letters),
        _ => None,
    });
    listed.expect("a list is answered")
}

fn send(world: &mut World, from: usize, to: usize, text: &str) -> Result<(), String> {
    let (to, text) = (world.id(to).to_string(), text.to_owned());
    world.command(from, Command::Mail(Wish::Send { request: 4, to, text, files: Vec::new() }));
    let done = told(world, from, 5_000, |news| match news {
        News::Done { request: 4, result } => Some(result.map_err(|problem| problem.why)),
        _ => None,
    });
    done.expect("a letter is taken or refused")
}

/// Until the only letter of an ion is in that state.
fn await_state(world: &mut World, ion: usize, state: LetterState) -> Option<LetterView> {
    (0..60).find_map(|_| {
        shown(world.run_for(1_000));
        letters(world, ion).into_iter().find(|letter| letter.state == state)
    })
}

#[test]
fn a_letter_comes_by_whoever_is_awake() {
    let mut world = World::new(1, Conditions::default(), 1, 1);
    for _ in 0..4 {
        world.add(IonOptions::default(), 0);
    }
    shown(world.run_for(15_000));
    world.crash(3);
    shown(world.run_for(5_000));
    assert_eq!(send(&mut world, 0, 3, "see you at noon"), Ok(()));
    assert!(await_state(&mut world, 0, LetterState::Waits).is_some());
    shown(world.run_for(5_000));
    // Its sender is gone before its addressee comes back.
    world.crash(0);
    world.restart(3);
    let came = await_state(&mut world, 3, LetterState::New).expect("others bring it");
    assert_eq!(came.preview, "see you at noon");
    assert_eq!(came.other, world.id(0).to_string());
    assert_eq!(letters(&mut world, 1), [], "it is nobody else's");
    world.command(3, Command::Mail(Wish::Open { request: 5, id: came.id }));
    assert!(await_state(&mut world, 3, LetterState::Read).is_some());
    // Its addressee is gone before its sender learns that it has it.
    shown(world.run_for(5_000));
    world.crash(3);
    world.restart(0);
    assert!(await_state(&mut world, 0, LetterState::Taken).is_some());
}

#[test]
fn letters_to_nobody_are_refused() {
    let mut world = World::new(2, Conditions::default(), 1, 1);
    world.add(IonOptions::default(), 0);
    shown(world.run_for(5_000));
    assert!(send(&mut world, 0, 0, "to myself").is_err());
    let (to, text) = ("nonsense".to_owned(), "x".to_owned());
    world.command(0, Command::Mail(Wish::Send { request: 4, to, text, files: Vec::new() }));
    let refused = told(&mut world, 0, 2_000, |news| match news {
        News::Done { result, .. } => Some(result.is_err()),
        _ => None,
    });
    assert_eq!(refused, Some(true));
}

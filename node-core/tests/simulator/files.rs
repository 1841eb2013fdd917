//! Files among whole ions: brought in, copied, read, and kept through crashes.

use node_core::{
    node::{
        Command, Event,
        files::{GoalView, News, READ_BYTES_MAX, RowView, StoreView, Wish},
    },
    sim::{Conditions, Failure, IonOptions, World},
    store::source::made_up,
};

use crate::shown;

/// Two parts of a file, the second not whole.
const LARGE: u64 = (64 << 20) + 300_000;
const MIB: u64 = 1 << 20;

fn world(seed: u64, ions: usize) -> World {
    let mut world = World::new(seed, Conditions::default(), 1, 1);
    for _ in 0..ions {
        world.add(IonOptions::default(), 0);
    }
    shown(world.run_until(60_000, |world| {
        let is_alone = |ion: &usize| world.links_seen(*ion) + 1 < ions;
        (0..ions).find(is_alone).map(|ion| format!("ion {ion} does not see all others"))
    }));
    world
}

fn wish(world: &mut World, ion: usize, wish: Wish) {
    world.command(ion, Command::Files(wish));
}

fn import(world: &mut World, ion: usize, source: u64, path: &str, bytes: u64) {
    let (path, media_type) = (path.to_owned(), String::new());
    wish(world, ion, Wish::Import { import: source, path, media_type, modified_ms: 1, bytes });
}

/// What an ion tells that satisfies `found`, within a time.
fn hear<T>(
    world: &mut World,
    ion: usize,
    ms_max: u64,
    mut found: impl FnMut(News) -> Option<T>,
) -> Option<T> {
    for _ in 0..ms_max / 50 {
        shown(world.run_for(50));
        let news = world.take_told(ion).into_iter().filter_map(|event| match event {
            Event::Files(news) => Some(news),
            _ => None,
        });
        if let Some(what) = news.into_iter().find_map(&mut found) {
            return Some(what);
        }
    }
    None
}

fn imported(world: &mut World, ion: usize) -> Option<Result<String, String>> {
    hear(world, ion, 60_000, |news| match news {
        News::Imported { result, .. } => Some(result.map_err(|problem| problem.why)),
        _ => None,
    })
}

fn rows(world: &mut World, ion: usize, folder: &str) -> Vec<RowView> {
    let (request, folder) = (7, folder.to_owned());
    wish(world, ion, Wish::List { request, folder, deleted: false, after: String::new() });
    let listed = hear(world, ion, 5_000, |news| match news {
        News::Listed { request: 7, result, .. } => Some(result.expect("the folder can be")),
        _ => None,
    });
    listed.expect("a list is answered")
}

fn names(world: &mut World, ion: usize, folder: &str) -> Vec<String> {
    rows(world, ion, folder).into_iter().map(|row| row.name).collect()
}

fn read(
    world: &mut World,
    ion: usize,
    file: &str,
    from: u64,
    bytes: u32,
) -> Result<Vec<u8>, String> {
    let (request, file) = (8, file.to_owned());
    wish(world, ion, Wish::Read { request, file, from, bytes });
    let read = hear(world, ion, 60_000, |news| match news {
        News::Read { request: 8, result } => {
            Some(result.map(|bytes| bytes.to_vec()).map_err(|problem| problem.why))
        }
        _ => None,
    });
    read.expect("a read is answered")
}

/// Until a file has so many copies, as an ion sees it.
fn await_copies(world: &mut World, ion: usize, copies: u32, ms_max: u64) -> u32 {
    await_copies_of(world, ion, "", copies, ms_max)
}

/// The same of the files of a folder.
fn await_copies_of(world: &mut World, ion: usize, folder: &str, copies: u32, ms_max: u64) -> u32 {
    let mut found = 0;
    for _ in 0..ms_max / 1_000 {
        shown(world.run_for(1_000));
        let files: Vec<_> =
            rows(world, ion, folder).into_iter().filter_map(|row| row.file).collect();
        found = files.iter().map(|file| file.copies).min().unwrap_or(0);
        if found >= copies {
            break;
        }
    }
    found
}

fn store(world: &mut World, ion: usize) -> StoreView {
    wish(world, ion, Wish::Watch { watching: true });
    let store = hear(world, ion, 5_000, |news| match news {
        News::Store(store) => Some(store),
        _ => None,
    });
    wish(world, ion, Wish::Watch { watching: false });
    store.expect("it is told when it is watched")
}

#[test]
fn a_file_is_there_for_all_and_is_copied() {
    let mut world = world(1, 5);
    import(&mut world, 0, 42, "films/long.mp4", LARGE);
    let file = imported(&mut world, 0).expect("it ends").expect("it is taken");
    shown(world.run_for(3_000));
    for ion in 0..5 {
        assert_eq!(names(&mut world, ion, ""), ["films"], "ion {ion}");
        let from = LARGE - 500_000;
        let bytes = read(&mut world, ion, &file, from, READ_BYTES_MAX).expect("it can be read");
        assert!(bytes == made_up(42, from, 500_000), "ion {ion} reads what was brought in");
    }
    let held =
        |world: &mut World| (0..5).filter(|ion| store(world, *ion).held_bytes >= LARGE).count();
    let mut holders = 0;
    for _ in 0..60 {
        shown(world.run_for(1_000));
        holders = held(&mut world);
        if holders >= 3 {
            break;
        }
    }
    assert_eq!(holders, 3, "as many copies as the goal says, and no more");
}

#[test]
fn a_file_outlives_the_ion_that_brought_it() {
    let mut world = world(2, 4);
    import(&mut world, 0, 7, "notes.txt", 3 * MIB);
    let file = imported(&mut world, 0).expect("it ends").expect("it is taken");
    assert!(await_copies(&mut world, 0, 3, 60_000) >= 3);
    assert_eq!(store(&mut world, 0).only_here_bytes, 0, "it may be closed");
    world.crash(0);
    for ion in 1..4 {
        let bytes = read(&mut world, ion, &file, 0, READ_BYTES_MAX).expect("others have it");
        assert!(bytes == made_up(7, 0, READ_BYTES_MAX));
    }
    // The goal is kept: a third copy comes after a time of grace.
    assert!(await_copies(&mut world, 1, 3, 120_000) >= 3);
}

/// Two of three copies went a moment ago, so that others still wait for them: what is
/// left goes to somebody else at once when its holder is about to leave.
#[test]
fn what_only_one_ion_holds_is_handed_off_before_it_leaves() {
    for leaves in [false, true] {
        let mut world = world(6, 4);
        wish(&mut world, 3, Wish::Give { mib: 0 });
        import(&mut world, 0, 7, "notes.txt", 3 * MIB);
        let file = imported(&mut world, 0).expect("it ends").expect("it is taken");
        assert!(await_copies(&mut world, 0, 3, 60_000) >= 3);
        // It is no new file any more.
        shown(world.run_for(660_000));
        wish(&mut world, 3, Wish::Give { mib: 100 });
        shown(world.run_for(2_000));
        world.crash(1);
        world.crash(2);
        shown(world.run_for(12_000));
        assert!(store(&mut world, 0).only_here_bytes >= 3 * MIB);
        if leaves {
            wish(&mut world, 0, Wish::Leave);
        }
        shown(world.run_for(5_000));
        let is_handed_off = store(&mut world, 3).held_bytes >= 3 * MIB;
        assert_eq!(is_handed_off, leaves);
        if leaves {
            assert_eq!(store(&mut world, 0).only_here_bytes, 0, "it may be closed");
            world.crash(0);
            let bytes = read(&mut world, 3, &file, 0, READ_BYTES_MAX).expect("it has it");
            assert!(bytes == made_up(7, 0, READ_BYTES_MAX));
        }
    }
}

#[test]
fn an_import_that_a_crash_ends_waits_for_its_file_or_is_whole() {
    let mut was_left = false;
    for moment in 0..20 {
        let mut world = world(100 + moment, 1);
        import(&mut world, 0, 9, "a", 40 * MIB);
        shown(world.run_for(1 + moment * 3));
        world.crash(0);
        world.restart(0);
        let left = hear(&mut world, 0, 3_000, |news| match news {
            News::Imports(imports) => imports.into_iter().find(|one| one.is_left),
            _ => None,
        });
        let held = store(&mut world, 0).held_bytes;
        let is_named = !rows(&mut world, 0, "").is_empty();
        if let Some(left) = &left {
            assert_eq!((left.import, left.path.as_str(), left.bytes), (9, "a", 40 * MIB));
            assert_eq!(left.done_bytes, held.min(40 * MIB), "moment {moment}");
        } else {
            // It had not begun, or was whole but for its name, if for anything.
            assert!(held == 0 || held > 40 * MIB, "moment {moment}: a part is left behind");
        }
        if !is_named {
            import(&mut world, 0, 9, "a", 40 * MIB);
            imported(&mut world, 0).expect("it ends").expect("it is taken");
        }
        let row = rows(&mut world, 0, "").remove(0);
        assert_eq!(row.file.expect("it is a file").here_bytes, 40 * MIB);
        was_left |= left.is_some_and(|left| left.done_bytes > 0);
    }
    assert!(was_left, "no crash came in between");
}

fn set_goal(world: &mut World, ion: usize, path: &str, copies: u8) -> Result<(), String> {
    let path = path.to_owned();
    wish(world, ion, Wish::SetGoal { request: 9, path, copies: Some(copies) });
    let done = hear(world, ion, 5_000, |news| match news {
        News::Done { request: 9, result } => Some(result.map_err(|problem| problem.why)),
        _ => None,
    });
    done.expect("a change is answered")
}

#[test]
fn as_many_copies_are_kept_as_a_folder_wants() {
    let mut world = world(21, 6);
    import(&mut world, 0, 1, "a/b", MIB);
    imported(&mut world, 0).expect("it ends").expect("it is taken");
    assert_eq!(await_copies_of(&mut world, 0, "a", 3, 60_000), 3);
    // It is no new file any more; who asks for more copies of it waits for them.
    shown(world.run_for(660_000));
    assert_eq!(set_goal(&mut world, 2, "a", 5), Ok(()));
    assert_eq!(await_copies_of(&mut world, 0, "a", 5, 20_000), 5);
    assert_eq!(rows(&mut world, 4, "")[0].goal, GoalView { copies: 5, is_own: true });
    assert_eq!(rows(&mut world, 4, "a")[0].goal, GoalView { copies: 5, is_own: false });
    // Of fewer, those that are too many go after a while.
    assert_eq!(set_goal(&mut world, 1, "a/b", 1), Ok(()));
    shown(world.run_for(700_000));
    assert_eq!(await_copies_of(&mut world, 0, "a", 1, 1_000), 1);
    assert!(set_goal(&mut world, 1, "a/b", 0).is_err());
    assert!(set_goal(&mut world, 1, "nothing", 2).is_err());
}

#[test]
fn both_halves_of_a_cut_nebula_write_and_agree_afterwards() {
    let mut world = world(3, 6);
    import(&mut world, 0, 1, "before", MIB);
    imported(&mut world, 0).expect("it ends").expect("it is taken");
    shown(world.run_for(5_000));
    world.cut_off(&[0, 1, 2]);
    shown(world.run_for(20_000));
    import(&mut world, 0, 2, "here", MIB);
    import(&mut world, 3, 3, "there", MIB);
    for ion in [0, 3] {
        imported(&mut world, ion).expect("it ends").expect("it is taken");
    }
    shown(world.run_for(5_000));
    assert_eq!(names(&mut world, 1, ""), ["before", "here"]);
    assert_eq!(names(&mut world, 4, ""), ["before", "there"]);
    world.heal();
    let all_agree =
        |world: &mut World| (0..6).all(|ion| names(world, ion, "") == ["before", "here", "there"]);
    let agreed = (0..60).any(|_| {
        shown(world.run_for(1_000));
        all_agree(&mut world)
    });
    assert!(agreed);
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let mut world = world(4, 1);
    for path in ["../etc/passwd", "a//b", "", "a\u{202e}gpj.exe"] {
        import(&mut world, 0, 1, path, 10);
        assert!(imported(&mut world, 0).expect("it is answered").is_err(), "{path}");
    }
    let nowhere = "bafyr4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi";
    let why = read(&mut world, 0, nowhere, 0, 10).expect_err("nobody has it");
    assert!(why.contains("can be reached has it"), "{why}");
    assert!(read(&mut world, 0, "nonsense", 0, 10).is_err());
    assert!(read(&mut world, 0, nowhere, 0, READ_BYTES_MAX + 1).is_err());
}

#[test]
fn names_are_changed_and_brought_back() {
    let mut world = world(5, 2);
    import(&mut world, 0, 1, "a/b", MIB);
    imported(&mut world, 0).expect("it ends").expect("it is taken");
    let done = |world: &mut World, ion: usize| {
        let done = hear(world, ion, 5_000, |news| match news {
            News::Done { result, .. } => Some(result.map_err(|problem| problem.why)),
            _ => None,
        });
        done.expect("an edit is answered")
    };
    shown(world.run_for(3_000));
    wish(&mut world, 1, Wish::Rename { request: 1, from: "a".to_owned(), to: "c".to_owned() });
    assert_eq!(done(&mut world, 1), Ok(()));
    shown(world.run_for(3_000));
    assert_eq!(names(&mut world, 0, "c"), ["b"]);
    wish(&mut world, 0, Wish::Remove { request: 2, path: "c".to_owned() });
    assert_eq!(done(&mut world, 0), Ok(()));
    assert_eq!(names(&mut world, 0, ""), [""; 0]);
    wish(
        &mut world,
        0,
        Wish::List { request: 7, folder: String::new(), deleted: true, after: String::new() },
    );
    let deleted = hear(&mut world, 0, 5_000, |news| match news {
        News::Listed { result, .. } => Some(result.expect("it can be listed")),
        _ => None,
    });
    let deleted = deleted.expect("a list is answered");
    let version = deleted.iter().find(|row| row.path == "c/b").expect("it was deleted");
    let (path, version) = ("c/b".to_owned(), version.version.clone());
    wish(&mut world, 0, Wish::Restore { request: 3, path, version });
    assert_eq!(done(&mut world, 0), Ok(()));
    assert_eq!(names(&mut world, 0, "c"), ["b"]);
    wish(&mut world, 0, Wish::Remove { request: 4, path: "nothing".to_owned() });
    assert!(done(&mut world, 0).expect_err("it is not there").contains("nothing"));
}

/// Fails where the compiler would not: worlds of one seed are alike.
#[test]
fn a_world_with_files_is_replayed_by_its_seed() {
    let run = || -> Result<u64, Failure> {
        let mut world = world(6, 3);
        import(&mut world, 0, 1, "a", 2 * MIB);
        world.run_for(20_000)?;
        Ok(store(&mut world, 2).held_bytes)
    };
    assert_eq!(shown(run()), shown(run()));
}

use node_core::node::files::{FileView, GoalView, ImportView, StoreView};

use super::{
    imports::{Chosen, GIVEN_MAX, Import, Imports, Stage},
    kinds::{Kind, kind},
    words::{closing, give_mib, health, holds_page},
    *,
};
use crate::model::{news::problem, words::Meaning};

fn row(path: &str, kind: RowKind) -> RowView {
    RowView {
        name: name(path).to_owned(),
        path: path.to_owned(),
        kind,
        version: format!("v-{path}"),
        author: "a".to_owned(),
        author_name: "quiet-heron".to_owned(),
        at_ms: 1,
        goal: GoalView::default(),
        file: None,
    }
}

fn file() -> FileView {
    FileView {
        file: "bafy".to_owned(),
        bytes: 64 << 20,
        media_type: "image/png".to_owned(),
        modified_ms: 1,
        copies: 3,
        goal: 3,
        here_bytes: 0,
        is_fetching: false,
        is_only_here: false,
        is_pinned: false,
        loss_ppm: 0,
    }
}

fn listed(request: u64, rows: &[RowView]) -> News {
    let goal = GoalView { copies: 3, is_own: false };
    News::Listed { request, result: Ok(rows.to_vec()), is_more: false, goal }
}

fn request(wish: &Wish) -> u64 {
    match wish {
        Wish::List { request, .. }
        | Wish::Versions { request, .. }
        | Wish::MakeFolder { request, .. }
        | Wish::Remove { request, .. }
        | Wish::Rename { request, .. }
        | Wish::Erase { request, .. }
        | Wish::SetGoal { request, .. }
        | Wish::ListPinned { request }
        | Wish::Restore { request, .. } => *request,
        other => panic!("{other:?} is no request"),
    }
}

#[test]
fn only_the_answer_to_the_last_list_is_shown() {
    let mut files = Files::default();
    let first = request(&files.show("a".to_owned(), false));
    let second = request(&files.show("b".to_owned(), false));
    assert!(!files.take(listed(first, &[row("a/x", RowKind::File)])).1);
    assert!(files.rows.is_empty() && !files.is_listed);
    assert!(files.take(listed(second, &[row("b/y", RowKind::File)])).1);
    assert_eq!(files.rows[0].path, "b/y");
    // What changes is listed again, and the same rows are no change.
    let (wishes, changed) = files.take(News::Changed);
    assert!(!changed && files.rows.len() == 1);
    assert!(!files.take(listed(request(&wishes[0]), &[row("b/y", RowKind::File)])).1);
    // A list that could not be had is said until there is one again.
    let why = problem("Not listed.", "The disk is gone.", "Reload.");
    let failed = request(&files.show("b".to_owned(), false));
    let goal = files.goal;
    let news = News::Listed { request: failed, result: Err(why.clone()), is_more: false, goal };
    assert!(files.take(news).1 && files.problem == Some(why));
    let again = request(&files.take(News::Changed).0[0]);
    assert!(files.take(listed(again, &[row("b/y", RowKind::File)])).1 && files.problem.is_none());
}

/// Answers all that a change asks for; what it asked, in order.
fn finished(files: &mut Files, first: Option<Wish>, deleted: &[RowView]) -> Vec<Wish> {
    let (mut asked, mut next) = (Vec::new(), first);
    while let Some(wish) = next {
        let answer = match &wish {
            Wish::List { request, after, .. } => {
                let mut rows = deleted.to_vec();
                rows.retain(|row| row.path > *after);
                let is_more = rows.len() > 2;
                rows.truncate(2);
                let goal = GoalView::default();
                News::Listed { request: *request, result: Ok(rows), is_more, goal }
            }
            wish => News::Done { request: request(wish), result: Ok(()) },
        };
        asked.push(wish);
        next = files.take(answer).0.pop();
    }
    asked
}

fn restored(asked: &[Wish]) -> Vec<&str> {
    let path = asked.iter().filter_map(|wish| match wish {
        Wish::Restore { path, .. } => Some(path.as_str()),
        _ => None,
    });
    path.collect()
}

#[test]
fn a_deleted_file_is_brought_back_as_it_was() {
    let mut files = Files::default();
    let wish = files.remove(&[row("a/x", RowKind::File)]);
    assert_eq!(files.undoable(), None);
    finished(&mut files, wish, &[]);
    assert_eq!(files.undoable().as_deref(), Some("a/x"));
    let back = files.undo().expect("there is something to undo");
    assert!(matches!(&back, Wish::Restore { path, version, .. }
        if path == "a/x" && version == "v-a/x"));
    finished(&mut files, Some(back), &[]);
    assert_eq!(files.undoable(), None);
}

#[test]
fn what_is_deleted_for_good_is_not_brought_back() {
    let mut files = Files::default();
    let wish = files.remove(&[row("a/x", RowKind::File)]);
    finished(&mut files, wish, &[]);
    let wish = files.erase("a/x".to_owned());
    let asked = finished(&mut files, wish, &[]);
    assert!(matches!(&asked[..], [Wish::Erase { path, .. }] if path == "a/x"));
    assert_eq!(files.changed, Changed::Done("Deleted a/x for good".to_owned()));
    assert_eq!(files.undoable(), None);
}

#[test]
fn a_deleted_folder_comes_back_without_what_was_deleted_before_however_much_that_is() {
    let mut files = Files::default();
    let gone = |paths: &[&str]| -> Vec<RowView> {
        paths.iter().map(|path| row(path, RowKind::Deleted)).collect()
    };
    let wish = files.remove(&[row("a", RowKind::Folder)]);
    let asked = finished(&mut files, wish, &gone(&["a/2", "a/4", "a/6"]));
    assert_eq!(asked.len(), 3, "two lists come before the folder goes");
    assert!(matches!(&asked[2], Wish::Remove { path, .. } if path == "a"));
    assert_eq!(files.undoable().as_deref(), Some("a"));
    let ask = files.undo();
    let asked =
        finished(&mut files, ask, &gone(&["a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "a/7"]));
    assert_eq!(restored(&asked), ["a/1", "a/3", "a/5", "a/7"]);
    assert_eq!(files.changed, Changed::Done("Brought back a".to_owned()));
    assert_eq!(files.undoable(), None);
}

#[test]
fn many_are_deleted_and_come_back_together() {
    let mut files = Files::default();
    let rows = [row("f", RowKind::Folder), row("x", RowKind::File), row("y", RowKind::File)];
    let wish = files.remove(&rows);
    let asked = finished(&mut files, wish, &[]);
    assert_eq!(asked.len(), 4);
    assert_eq!(files.changed, Changed::Done("Deleted 3 items".to_owned()));
    assert_eq!(files.undoable().as_deref(), Some("3 items"));
    let ask = files.undo();
    let asked = finished(&mut files, ask, &[row("f/1", RowKind::Deleted)]);
    let mut back = restored(&asked);
    back.sort_unstable();
    assert_eq!(back, ["f/1", "x", "y"]);
}

#[test]
fn many_are_moved_one_after_the_other_and_what_is_there_already_stays() {
    let mut files = Files::default();
    let paths = ["a/x", "b/y"].map(str::to_owned);
    let wish = files.move_into(&paths, "b");
    let asked = finished(&mut files, wish, &[]);
    assert!(matches!(&asked[..], [Wish::Rename { from, to, .. }] if from == "a/x" && to == "b/x"));
    assert_eq!(files.changed, Changed::Done("Moved 2 items into b".to_owned()));
}

#[test]
fn a_refused_change_says_why_and_has_nothing_to_undo() {
    let mut files = Files::default();
    let wish = files.rename("a".to_owned(), "b/..".to_owned()).expect("it is asked for");
    let why = problem("Not renamed.", "`..` is no name.", "Choose another.");
    files.take(News::Done { request: request(&wish), result: Err(why.clone()) });
    assert_eq!((files.changed.clone(), files.undoable()), (Changed::Refused(why), None));
}

#[test]
fn what_is_pinned_is_listed_beside_the_folder() {
    let mut files = Files::default();
    let wish = files.show_pinned();
    let rows = [row("a", RowKind::File)];
    assert!(files.take(listed(request(&wish), &rows)).1);
    assert_eq!((files.pinned.rows.as_deref(), files.rows.len()), (Some(&rows[..]), 0));
    let again = request(&files.show_pinned());
    assert!(!files.take(listed(again, &rows)).1, "the same is no change");
    assert!(files.take(listed(again, &[])).1);
}

#[test]
fn folders_are_offered_to_move_to_and_files_are_not() {
    let mut files = Files::default();
    let wish = files.show_places("");
    let rows = [row("a", RowKind::Folder), row("b.txt", RowKind::File)];
    files.take(listed(request(&wish), &rows));
    assert_eq!(files.places.rows.as_deref(), Some(&rows[..1]));
}

#[test]
fn the_goal_of_a_path_is_set_and_that_of_the_folder_is_shown() {
    let mut files = Files::default();
    let wish = files.set_goal("a".to_owned(), Some(1));
    let asked = finished(&mut files, wish, &[]);
    assert!(matches!(&asked[..], [Wish::SetGoal { path, copies: Some(1), .. }] if path == "a"));
    assert_eq!(files.changed, Changed::Done("a: 1 copy wanted".to_owned()));
    let wish = files.show(String::new(), false);
    assert!(files.take(listed(request(&wish), &[])).1);
    assert_eq!(words::goal(files.goal), "3 copies, as in its folder");
    // The same rows with another goal are a change.
    let request = request(&files.show(String::new(), false));
    let goal = GoalView { copies: 5, is_own: true };
    let news = News::Listed { request, result: Ok(Vec::new()), is_more: false, goal };
    assert!(files.take(news).1);
    assert_eq!(words::goal(files.goal), "5 copies, set here");
}

#[test]
fn paths_are_taken_apart() {
    assert_eq!(crumbs("a/b c/d"), [("a", "a"), ("b c", "a/b c"), ("d", "a/b c/d")]);
    assert_eq!(crumbs(""), []);
    assert_eq!(
        (parent("a/b"), parent("a"), name("a/b"), joined("", "x")),
        ("a", "", "b", "x".into())
    );
}

#[test]
fn next_and_previous_pass_folders_by() {
    let rows = vec![
        row("a", RowKind::Folder),
        row("b", RowKind::File),
        row("b", RowKind::Conflict),
        row("c", RowKind::File),
    ];
    let files = Files { rows, ..Files::default() };
    assert_eq!((files.beside("b", 1), files.beside("b", -1)), (Some("c"), None));
    assert_eq!((files.beside("c", -1), files.beside("c", 1)), (Some("b"), None));
}

fn chosen(path: &str, bytes: u64) -> Chosen {
    Chosen { path: path.to_owned(), bytes, ..Chosen::default() }
}

#[test]
fn the_ion_has_few_files_at_a_time_and_gets_the_next_when_one_ends() {
    let mut imports = Imports::default();
    let files = (0..40).map(|at| chosen(&format!("{at}"), 10 << 20)).collect();
    let numbers = imports.add(files);
    let mut given = 0;
    while imports.give().is_some() {
        given += 1;
    }
    assert_eq!((numbers.len(), given), (40, GIVEN_MAX));
    imports.ended(numbers[0], Ok(()));
    assert_eq!(imports.give().map(|(import, _)| import), Some(numbers[GIVEN_MAX]));
    let is_paused = false;
    let view = |import: &u64| ImportView {
        import: *import,
        path: String::new(),
        bytes: 10 << 20,
        done_bytes: 5 << 20,
        bytes_per_second: 5 << 20,
        is_paused,
        is_left: false,
    };
    imports.take(&[view(&numbers[1]), view(&numbers[2])]);
    assert_eq!(imports.words(), "1 of 40 files, 20 of 400 MiB, 10 MiB/s, 38 s left");
}

#[test]
fn an_import_is_halted_given_up_and_folded() {
    let mut imports = Imports::default();
    let numbers = imports.add(vec![chosen("a", 1), chosen("b", 1), chosen("c", 1)]);
    let (first, _) = imports.give().expect("it waits");
    assert_eq!(imports.pause(None, true), [Wish::Pause { import: first, paused: true }]);
    assert_eq!(imports.give(), None);
    assert_eq!(imports.cancel(Some(first)), [Wish::CancelImport { import: first }]);
    imports.pause(None, false);
    imports.give();
    let why = problem("b was not brought in.", "It was moved.", "Choose it again.");
    imports.ended(numbers[1], Err(why.clone()));
    assert_eq!(imports.list[0].stage, Stage::Failed(why));
    imports.fold();
    assert_eq!(imports.list.len(), 1);
    imports.interrupt(&problem("", "", ""));
    assert!(!imports.is_under_way());
    assert_eq!(imports.add(vec![chosen("d", 1)]), [4]);
    assert_eq!(imports.list.len(), 1);
}

fn left(import: u64, path: &str) -> ImportView {
    ImportView {
        import,
        path: path.to_owned(),
        bytes: 90 << 20,
        done_bytes: 30 << 20,
        bytes_per_second: 0,
        is_paused: false,
        is_left: true,
    }
}

#[test]
fn an_import_that_an_earlier_page_began_goes_on_with_the_same_file() {
    let mut imports = Imports::since(5);
    imports.take(&[left(7, "films/a.mp4"), left(8, "b.mp4")]);
    assert!(!imports.is_under_way(), "nothing is lost by closing the page");
    assert_eq!(imports.words(), "2 files only in part");
    let said = "30 of 90 MiB here; drop the same file again to go on";
    assert_eq!(imports.list[0].words(), said);
    let other = Chosen { media_type: "video/mp4".to_owned(), ..chosen("a.mp4", 90 << 20) };
    let numbers = imports.add(vec![chosen("b.mp4", 1), other.clone()]);
    let own = 5 << 10;
    assert_eq!(numbers, [own + 1, own + 2], "of many, another may have the name");
    assert_eq!(imports.add(vec![other]), [7], "alone, by name and size");
    let given_up = imports.clone().cancel(Some(7));
    assert_eq!(given_up, [Wish::CancelImport { import: 7 }], "the ion waits for it");
    imports.pause(Some(7), true);
    imports.take(&[left(7, "films/a.mp4"), left(8, "b.mp4")]);
    assert!(imports.list[0].is_paused, "the ion does not know of it yet");
    imports.pause(Some(7), false);
    let one = &imports.list[0];
    assert_eq!((one.stage.clone(), one.done_bytes), (Stage::Waiting, 30 << 20));
    // What was said before the ion heard of it changes nothing.
    while imports.give().is_some() {}
    imports.take(&[left(7, "films/a.mp4"), left(8, "b.mp4")]);
    let given = imports.list.iter().find(|one| one.import == 7).expect("it is there");
    assert_eq!((given.stage.clone(), given.chosen.path.as_str()), (Stage::Given, "films/a.mp4"));
    assert_eq!(imports.cancel(Some(8)), [Wish::CancelImport { import: 8 }]);
    assert!(imports.list.iter().all(|one| one.import != 8));
}

#[test]
fn what_was_left_stays_until_the_ion_knows_no_more_of_it() {
    let mut imports = Imports::since(5);
    let numbers = imports.add(vec![chosen("a", 90 << 20), chosen("b", 1)]);
    while imports.give().is_some() {}
    imports.interrupt(&problem("", "", ""));
    imports.take(&[left(numbers[0], "a")]);
    let stages = imports.list.iter().map(Import::is_left);
    assert_eq!(stages.collect::<Vec<_>>(), [true, false]);
    imports.fold();
    assert_eq!(imports.list.len(), 1);
    imports.cancel(None);
    assert_eq!(imports.list.len(), 1, "all that are under way are given up, and no others");
    imports.take(&[]);
    assert_eq!(imports.list.len(), 0);
}

#[test]
fn why_what_was_chosen_for_it_is_not_taken_is_shown() {
    let mut imports = Imports::since(5);
    imports.take(&[left(7, "a.mp4")]);
    imports.add(vec![chosen("a.mp4", 90 << 20)]);
    while imports.give().is_some() {}
    imports.ended(7, Err(problem("", "A folder stands there.", "Rename it.")));
    imports.take(&[left(7, "a.mp4")]);
    let words = imports.list[0].words();
    assert!(words.starts_with("A folder stands there. Rename it. 30"), "{words}");
    imports.ended(7, Err(problem("", "", "")));
    assert_eq!(imports.list.len(), 0, "it is waited for no more");
}

#[test]
fn no_more_files_are_taken_than_there_is_room_for() {
    let mut imports = Imports::default();
    let many = node_core::node::files::IMPORTS_MAX + 5;
    assert_eq!(imports.add(vec![Chosen::default(); many]).len(), many - 5);
}

#[test]
fn what_is_shown_in_place_stands_in_a_list() {
    assert_eq!(kind("image/png", "x"), (Kind::Picture, "image/png"));
    assert_eq!(kind("", "Film.MP4"), (Kind::Video, "video/mp4"));
    assert_eq!(kind("application/octet-stream", "a.flac"), (Kind::Audio, "audio/flac"));
    assert_eq!(kind("text/html; charset=utf-8", "a.html").0, Kind::Text);
    assert_eq!(kind("", "notes.rs").0, Kind::Text);
    assert_eq!(kind("application/json", "a").0, Kind::Text);
    // What the author says counts before what the name says.
    assert_eq!(kind("application/pdf", "a.png").0, Kind::Other);
    assert_eq!(kind("", "README").0, Kind::Other);
    assert_eq!(kind("image/tiff", "a").0, Kind::Other);
}

#[test]
fn health_is_said_in_words() {
    let word = |file: &FileView, others| {
        let (meaning, word, _) = health(file, others);
        (meaning, word)
    };
    assert_eq!(word(&file(), 4), (Meaning::Good, "3 copies".to_owned()));
    let one = FileView { copies: 1, is_only_here: true, ..file() };
    assert_eq!(word(&one, 2), (Meaning::Bad, "only here".to_owned()));
    assert_eq!(word(&FileView { goal: 1, ..one }, 0), (Meaning::Good, "1 copy".to_owned()));
    let fetching = FileView { copies: 2, is_fetching: true, ..file() };
    assert_eq!(word(&fetching, 2), (Meaning::Waiting, "2 of 3 copies; being copied".to_owned()));
    let none = FileView { copies: 0, ..file() };
    assert_eq!(word(&none, 2), (Meaning::Bad, "not whole".to_owned()));
}

#[test]
fn closing_is_safe_once_others_hold_all() {
    let held = StoreView { held_bytes: 12 << 20, others: 3, ..StoreView::default() };
    assert_eq!(closing(&held, None).1, "Safe to close: others hold all that is here too");
    let alone = StoreView { only_here_bytes: 12 << 20, ..held };
    assert!(holds_page(&alone));
    assert_eq!(
        closing(&alone, Some("quiet-heron")).1,
        "Keep open: 12 MiB are on this tab alone; being copied to quiet-heron"
    );
    let nobody = StoreView { others: 0, is_kept: true, ..alone };
    assert!(!holds_page(&nobody));
    assert_eq!(closing(&nobody, None).0, Meaning::Waiting);
    assert_eq!(closing(&StoreView { is_kept: false, ..nobody }, None).0, Meaning::Bad);
}

#[test]
fn what_is_given_is_read_and_bounded() {
    assert_eq!(give_mib(" 512 ", false), Ok(512));
    assert_eq!(give_mib("1.5", true), Ok(1_536));
    assert_eq!(give_mib("0.25", true), Ok(256));
    assert_eq!(give_mib("1024", true), Ok(node_core::node::files::GIVE_MIB_MAX));
    for text in
        ["", ".", ".5", "-1", "+1", "x", "NaN", "inf", "1e3", "1025", "1.234", "99999999999"]
    {
        assert!(give_mib(text, true).is_err(), "{text}");
    }
}

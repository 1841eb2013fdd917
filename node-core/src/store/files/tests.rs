use std::collections::BTreeMap;

use super::*;
use crate::{
    identity::IonId,
    store::{
        chunk::{Cid, Codec},
        kv::Stamp,
    },
};

/// A shared memory as far as files see one.
#[derive(Clone, Default)]
struct Memory {
    rows: BTreeMap<String, (Vec<u8>, IonId, Stamp)>,
    dead: Vec<String>,
}

impl Memory {
    fn tree(&self) -> Tree {
        Tree::read(self.rows.iter().map(|(name, (value, author, stamp))| Row {
            name,
            value,
            author: *author,
            stamp: *stamp,
        }))
    }

    fn write(&mut self, ion: u8, ms: u64, writes: Vec<Write>) {
        for Write { name, value } in writes {
            if let Some(value) = value {
                let row = (value, IonId::from_bytes([ion; 32]), Stamp::at_ms(ms));
                self.rows.insert(name, row);
            } else {
                self.rows.remove(&name);
                self.dead.push(name);
            }
        }
    }

    /// Writes what the change gives.
    fn change(&mut self, ms: u64, change: impl FnOnce(&Tree) -> Result<Vec<Write>, Refusal>) {
        let writes = change(&self.tree()).expect("the change can be made");
        self.write(1, ms, writes);
    }

    /// Both come to know all.
    fn merge(&mut self, other: &mut Self) {
        for (name, row) in &other.rows {
            self.rows.entry(name.clone()).or_insert_with(|| row.clone());
        }
        self.dead.extend(other.dead.iter().cloned());
        self.rows.retain(|name, _| !self.dead.contains(name));
        *other = self.clone();
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let folder = (!folder.is_empty()).then(|| path(folder));
        self.tree().list(folder.as_ref()).into_iter().map(|line| line.name).collect()
    }
}

fn path(text: &str) -> FilePath {
    text.parse().expect("it keeps the rules")
}

fn file(content: &str) -> File {
    File {
        manifest: Cid::of(Codec::DagCbor, content.as_bytes()),
        size: content.len() as u64,
        media_type: "text/plain".to_owned(),
        modified_ms: 7,
    }
}

fn with(paths: &[&str]) -> Memory {
    let mut memory = Memory::default();
    for text in paths {
        memory.change(1, |tree| tree.put(&path(text), file(text)));
    }
    memory
}

#[test]
fn golden() {
    let (name, value) = Version::new(What::File(file("hello")), Vec::new()).entry(&path("a/b"));
    assert_eq!(name, "a/b//wuoiuhmtcvvwhacyc4ce6q2cyi");
    let (read, _, version) = Version::read(&name, &value).expect("it is a version");
    assert_eq!((read, version.what), (path("a/b"), What::File(file("hello"))));
}

#[test]
fn folders_show_what_is_in_them() {
    let memory = with(&["b.txt", "photos/2026/one.jpg", "photos/two.jpg", "photos.zip"]);
    assert_eq!(memory.names(""), ["photos", "b.txt", "photos.zip"]);
    assert_eq!(memory.names("photos"), ["2026", "two.jpg"]);
    assert_eq!(memory.names("nowhere"), [""; 0]);
    assert_eq!(memory.tree().file(&path("b.txt")), Ok(&file("b.txt")));
}

#[test]
fn a_folder_can_be_empty() {
    let mut memory = with(&["a/b"]);
    memory.change(2, |tree| tree.make_folder(&path("a/c")));
    assert_eq!(memory.names("a"), ["c", "b"]);
    memory.change(3, |tree| tree.put(&path("a/c/d"), file("d")));
    memory.change(4, |tree| tree.remove(&path("a/c/d")));
    assert_eq!(memory.names("a"), ["c", "b"], "it was made, so it stays");
    memory.change(5, |tree| tree.remove(&path("a")));
    assert_eq!(memory.names(""), [""; 0]);
}

#[test]
fn versions_follow_each_other_and_can_be_restored() {
    let mut memory = with(&["a"]);
    let first = memory.tree().versions(&path("a"))[0].id;
    memory.change(2, |tree| tree.put(&path("a"), file("second")));
    assert_eq!(memory.names(""), ["a"]);
    assert_eq!(memory.tree().file(&path("a")), Ok(&file("second")));
    memory.change(3, |tree| tree.remove(&path("a")));
    let deleted = memory.tree().deleted(None);
    assert_eq!(deleted[0].kind, Kind::Deleted(file("second")));
    memory.change(4, |tree| tree.restore(&path("a"), first));
    assert_eq!(memory.tree().file(&path("a")), Ok(&file("a")));
    assert_eq!(memory.tree().versions(&path("a")).len(), 4);
}

#[test]
fn what_stands_already_is_not_written_again() {
    let memory = with(&["a"]);
    assert_eq!(memory.tree().put(&path("a"), file("a")), Ok(Vec::new()));
}

#[test]
fn old_versions_are_deleted_and_do_not_come_back_as_conflicts() {
    let mut memory = Memory::default();
    for number in 0..100 {
        memory.change(number, |tree| tree.put(&path("a"), file(&number.to_string())));
        assert_eq!(memory.names(""), ["a"]);
        assert!(memory.tree().versions(&path("a")).len() <= VERSIONS_MAX);
    }
    assert_eq!(memory.tree().versions(&path("a")).len(), VERSIONS_MAX);
    // Deletions come in any order: the newest of what is to go may go first.
    let mut partly = memory.clone();
    for copy in memory.tree().versions(&path("a"))[1..].iter().step_by(2) {
        partly.write(1, 200, vec![Write { name: format!("a//{}", copy.id), value: None }]);
    }
    assert_eq!(partly.names(""), ["a"]);
}

#[test]
fn both_of_two_edits_at_once_are_kept() {
    let mut one = with(&["notes.txt"]);
    let mut two = one.clone();
    let (here, there) = (one.tree(), two.tree());
    one.write(1, 5, here.put(&path("notes.txt"), file("mine")).expect("it can be put"));
    two.write(2, 6, there.put(&path("notes.txt"), file("yours")).expect("it can be put"));
    one.merge(&mut two);
    let name = IonId::from_bytes([1; 32]).readable_name();
    assert_eq!(one.names(""), ["notes.txt".to_owned(), format!("notes (conflict of {name}).txt")]);
    assert_eq!(one.tree().file(&path("notes.txt")), Ok(&file("yours")));
    // A further edit leaves the conflict as it is; keeping one ends it.
    one.change(7, |tree| tree.put(&path("notes.txt"), file("ours")));
    assert_eq!(one.names("").len(), 2);
    let mine = one.tree().list(None)[1].id.expect("it is a file");
    one.change(8, |tree| tree.restore(&path("notes.txt"), mine));
    assert_eq!(one.names(""), ["notes.txt"]);
    assert_eq!(one.tree().file(&path("notes.txt")), Ok(&file("mine")));
}

#[test]
fn three_edits_at_once_by_two_ions_have_three_names() {
    let mut memory = Memory::default();
    for (ion, content) in [(1, "one"), (1, "two"), (2, "three")] {
        let writes = Tree::default().put(&path("a"), file(content)).expect("it can be put");
        memory.write(ion, u64::from(ion), writes);
    }
    let names = memory.names("");
    assert_eq!(names.len(), 3);
    assert!(names[1].starts_with("a (conflict of") && names[2].starts_with("a (conflict 2 of"));
}

#[test]
fn the_same_content_twice_is_no_conflict() {
    let mut memory = Memory::default();
    for ms in [1, 2] {
        let same = File { modified_ms: ms, ..file("same") };
        memory.write(1, ms, Tree::default().put(&path("a"), same).expect("it can be put"));
    }
    assert_eq!(memory.names(""), ["a"]);
}

#[test]
fn an_edit_survives_a_deletion_at_once() {
    let mut one = with(&["a"]);
    let mut two = one.clone();
    one.change(9, |tree| tree.remove(&path("a")));
    two.change(5, |tree| tree.put(&path("a"), file("edited")));
    one.merge(&mut two);
    assert_eq!(one.tree().file(&path("a")), Ok(&file("edited")));
    one.change(10, |tree| tree.remove(&path("a")));
    assert_eq!(one.names(""), [""; 0]);
}

#[test]
fn a_folder_moves_with_all_in_it() {
    let mut memory = with(&["a/b", "a/c/d", "ab", "x/y"]);
    memory.change(2, |tree| tree.rename(&path("a"), &path("x/z")));
    assert_eq!(
        (memory.names(""), memory.names("x/z")),
        (vec!["x".to_owned(), "ab".to_owned()], vec!["c".to_owned(), "b".to_owned()])
    );
    assert_eq!(memory.tree().file(&path("x/z/c/d")), Ok(&file("a/c/d")));
    memory.change(3, |tree| tree.rename(&path("x/z"), &path("a")));
    assert_eq!(memory.tree().file(&path("a/c/d")), Ok(&file("a/c/d")), "and back again");
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let memory = with(&["a/b", "c"]);
    let tree = memory.tree();
    let taken = |text: &str| Err(Refusal::Taken { path: text.to_owned() });
    let not_a_folder = Err(Refusal::NotAFolder { path: "c".to_owned() });
    let missing = Err(Refusal::Missing { path: "d".to_owned() });
    assert_eq!(tree.put(&path("a"), file("a")), taken("a"));
    assert_eq!(tree.put(&path("c/d"), file("d")), not_a_folder);
    assert_eq!(tree.make_folder(&path("c")), taken("c"));
    assert_eq!(tree.make_folder(&path("c/d")), not_a_folder);
    assert_eq!(tree.remove(&path("d")), missing);
    assert_eq!(tree.rename(&path("d"), &path("e")), missing);
    assert_eq!(tree.rename(&path("a"), &path("a/b/c")), Err(Refusal::IntoItself));
    assert_eq!(tree.rename(&path("a"), &path("c/d")), not_a_folder);
    assert_eq!(tree.rename(&path("c"), &path("a")), taken("a"));
    assert_eq!(tree.rename(&path("c"), &path("c")), Ok(Vec::new()));
    let long = path(&["x".repeat(255), "y".repeat(255), "z".repeat(255)].join("/"));
    let near = path(&format!("{long}/{}", "n".repeat(192)));
    assert_eq!(tree.rename(&path("a"), &near), Err(Refusal::PathLength));
    let deep = path(&["x"; path::LEVELS_MAX].join("/"));
    assert_eq!(tree.rename(&path("a"), &deep), Err(Refusal::TooDeep));
}

#[test]
fn too_large_a_change_is_refused_whole() {
    let names: Vec<String> = (0..=WRITES_MAX / 2).map(|number| format!("a/{number}")).collect();
    let mut memory = Memory::default();
    for name in &names {
        memory.write(1, 1, Tree::default().put(&path(name), file(name)).expect("it can be put"));
    }
    assert_eq!(memory.tree().rename(&path("a"), &path("b")), Err(Refusal::TooMany));
    let removed = memory.tree().remove(&path("a")).expect("it is half as much");
    assert_eq!(removed.len(), names.len());
}

#[test]
fn what_was_deleted_can_be_deleted_for_good_and_nothing_else() {
    let mut memory = with(&["a/1", "a/2", "ab", "b"]);
    memory.change(1_000, |tree| tree.remove(&path("a/1")));
    memory.change(1_001, |tree| tree.remove(&path("ab")));
    let missing = |name: &str| Err(Refusal::Missing { path: name.to_owned() });
    assert_eq!(memory.tree().erase(&path("b")), missing("b"), "it stands");
    assert_eq!(memory.tree().erase(&path("c")), missing("c"));
    let erased = memory.tree().erase(&path("a")).expect("one is deleted");
    assert_eq!(erased.len(), 2, "the file, and that it was deleted");
    memory.write(1, 2_000, erased);
    let deleted: Vec<_> = memory.tree().deleted(None).into_iter().map(|row| row.path).collect();
    assert_eq!(deleted, [path("ab")]);
    assert_eq!(memory.names("a"), ["2"]);
}

#[test]
fn entries_that_are_no_versions_are_left_out() {
    let mut memory = with(&["a"]);
    let (name, value) = Version::new(What::Folder, Vec::new()).entry(&path("b"));
    let id = name.rsplit_once('/').expect("there is one").1.to_owned();
    let author = IonId::from_bytes([1; 32]);
    let mut put = |name: String, value: &[u8]| {
        memory.rows.insert(name, (value.to_vec(), author, Stamp::at_ms(1)));
    };
    put(name.clone(), b"something else");
    put(format!("../b//{id}"), &value);
    put(format!("b/{id}"), &value);
    put(format!("c//{}", id.to_uppercase()), &value);
    put("d//".to_owned(), &value);
    let tree = memory.tree();
    assert_eq!((tree.refused(), tree.list(None).len()), (5, 1));
}

#[test]
fn files_that_cannot_be_are_refused() {
    let odd = [
        File { size: u64::MAX, ..file("a") },
        File { media_type: "picture".to_owned(), ..file("a") },
        File { manifest: Cid::of(Codec::Raw, b"a"), ..file("a") },
    ];
    for file in odd {
        let (name, value) = Version::new(What::File(file.clone()), Vec::new()).entry(&path("a"));
        assert!(matches!(Version::read(&name, &value), Err(Refusal::Manifest(_))));
        assert!(matches!(Tree::default().put(&path("a"), file), Err(Refusal::Manifest(_))));
    }
}

#[test]
fn the_longest_version_fits() {
    let longest = ["x".repeat(255), "y".repeat(255), "z".repeat(255), "n".repeat(192)].join("/");
    let ids = vec![
        Version::read(
            &Version::new(What::Gone, Vec::new()).entry(&path("a")).0,
            &Version::new(What::Gone, Vec::new()).entry(&path("a")).1,
        )
        .expect("it is a version")
        .1;
        ANCESTORS_MAX + 1
    ];
    let media_type = format!("a/{}", "b".repeat(manifest::MEDIA_TYPE_BYTES_MAX - 2));
    let file = File { media_type, modified_ms: u64::MAX, ..file("x") };
    let (name, value) = Version::new(What::File(file), ids).entry(&path(&longest));
    assert!(
        name.len() <= crate::store::kv::entry::NAME_BYTES_MAX
            && longest.len() == path::PATH_BYTES_MAX
    );
    assert!(value.len() <= VALUE_BYTES_MAX && Version::read(&name, &value).is_ok());
}

#[test]
fn goals_are_those_of_the_folder_unless_a_path_has_its_own() {
    let mut memory = Memory::default();
    memory.change(1, |tree| tree.put(&path("a/b/c"), file("1")));
    let said = |memory: &Memory, path: &str| {
        let goal = memory.tree().goal(path);
        (goal.copies, goal.is_own)
    };
    assert_eq!(said(&memory, "a/b/c"), (3, false), "nobody said anything");
    memory.change(2, |tree| tree.set_goal(Some(&path("a")), Some(5)));
    memory.change(3, |tree| tree.set_goal(Some(&path("a/b/c")), Some(1)));
    memory.change(4, |tree| tree.set_goal(None, Some(2)));
    assert_eq!((said(&memory, "a/b"), said(&memory, "a")), ((5, false), (5, true)));
    assert_eq!((said(&memory, "a/b/c"), said(&memory, "")), ((1, true), (2, true)));
    assert_eq!(said(&memory, "ab/c"), (2, false), "it is no part of the folder");
    assert_eq!(memory.tree().goal("a").since_ms, 2);
    // They move with what they are said of, and the last word counts.
    memory.change(5, |tree| tree.rename(&path("a"), &path("x/y")));
    assert_eq!((said(&memory, "x/y/b/c"), said(&memory, "x/y/b")), ((1, true), (5, false)));
    assert_eq!(said(&memory, "a/b/c"), (2, false));
    memory.change(6, |tree| tree.set_goal(Some(&path("x/y")), Some(7)));
    assert_eq!(said(&memory, "x/y/b"), (7, false));
    memory.change(7, |tree| tree.set_goal(Some(&path("x/y")), None));
    assert_eq!(said(&memory, "x/y/b"), (2, false));
}

#[test]
fn goals_go_with_what_is_deleted_for_good() {
    let mut memory = Memory::default();
    memory.change(1, |tree| tree.put(&path("a/b"), file("1")));
    memory.change(2, |tree| tree.put(&path("a/c"), file("2")));
    for name in ["a", "a/b"] {
        memory.change(3, |tree| tree.set_goal(Some(&path(name)), Some(9)));
    }
    memory.change(4, |tree| tree.remove(&path("a/b")));
    assert_eq!(memory.tree().goal("a/b").copies, 9, "it may be brought back");
    memory.change(5, |tree| tree.erase(&path("a")));
    assert!(memory.tree().goal("a").is_own, "something stands there");
    assert!(!memory.tree().goal("a/b").is_own);
}

#[test]
fn a_new_file_has_not_the_goal_of_one_that_was_deleted_there() {
    let mut memory = Memory::default();
    memory.change(1, |tree| tree.put(&path("a"), file("1")));
    memory.change(2, |tree| tree.set_goal(Some(&path("a")), Some(9)));
    memory.change(3, |tree| tree.put(&path("a"), file("2")));
    assert_eq!(memory.tree().goal("a").copies, 9, "it is a version of the same");
    memory.change(4, |tree| tree.remove(&path("a")));
    memory.change(5, |tree| tree.put(&path("a"), file("3")));
    assert!(!memory.tree().goal("a").is_own);
}

#[test]
fn goals_that_cannot_be_are_refused_and_not_believed() {
    let mut memory = Memory::default();
    memory.change(1, |tree| tree.put(&path("a"), file("1")));
    for copies in [0, 17] {
        assert_eq!(memory.tree().set_goal(Some(&path("a")), Some(copies)), Err(Refusal::Goal));
    }
    let missing = Err(Refusal::Missing { path: "b".to_owned() });
    assert_eq!(memory.tree().set_goal(Some(&path("b")), Some(2)), missing);
    for (name, value) in [
        ("a//goal", crate::codec::encode(&(1, 17))),
        ("a//goal", crate::codec::encode(&(2, 5))),
        ("a//goal", b"nonsense".to_vec()),
        ("a/../b//goal", crate::codec::encode(&(1, 5))),
    ] {
        memory.write(2, 2, vec![Write { name: name.to_owned(), value: Some(value) }]);
        let tree = memory.tree();
        assert!(!tree.goal("a").is_own && !tree.goal("a/../b").is_own, "{name}");
    }
    // Those that somebody invented hold nobody's folder.
    memory.change(4, |tree| tree.put(&path("b/c"), file("2")));
    memory.change(5, |tree| tree.set_goal(Some(&path("b/c")), Some(4)));
    for number in 0..=goal::GOALS_MAX / 2 {
        let value = Some(crate::codec::encode(&(1, 5)));
        memory.write(2, 6, vec![Write { name: format!("b/{number}//goal"), value }]);
    }
    memory.change(7, |tree| tree.rename(&path("b"), &path("d")));
    assert_eq!(memory.tree().goal("d/c").copies, 4);
    memory.change(8, |tree| tree.remove(&path("d")));
    memory.change(9, |tree| tree.rename(&path("a"), &path("b/a")));
    memory.change(10, |tree| tree.remove(&path("b")));
    memory.change(11, |tree| tree.erase(&path("b")));
    memory.change(12, |tree| tree.put(&path("a"), file("1")));
    for number in 0..goal::GOALS_MAX + 5 {
        let value = Some(crate::codec::encode(&(1, 5)));
        memory.write(2, 3, vec![Write { name: format!("{number}//goal"), value }]);
    }
    assert_eq!(memory.tree().goals.len(), goal::GOALS_MAX);
    assert_eq!(memory.tree().set_goal(Some(&path("a")), Some(5)), Err(Refusal::TooMany));
}

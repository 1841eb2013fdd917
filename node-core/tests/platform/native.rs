//! The suite on this machine, and what only files and processes can do.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use node_core::{
    identity::slot::{Acquired, HostSlots, acquire},
    platform::{
        Platform, Storage,
        native::{NativePlatform, run},
        storage::Error,
    },
};

use crate::{conformance, every_case};

/// Makes a function a test of this machine.
macro_rules! as_test {
    (fn $name:ident() $body:block) => {
        #[test]
        fn $name() $body
    };
}

macro_rules! case {
    ($name:ident) => {
        #[test]
        fn $name() {
            let folder = Folder::new();
            let platform = NativePlatform::new(folder.path());
            let slots = HostSlots::new(folder.path());
            run(conformance::$name(platform, slots)).expect("this system has an event loop");
        }
    };
}
every_case!(case);

/// A folder that is gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(env::temp_dir().join(format!("ionosphere-test-{}-{number}", std::process::id())))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_damaged_file_is_refused_and_left_alone() {
    let folder = Folder::new();
    let platform = NativePlatform::new(folder.path());
    let file = folder.path().join("a.settings");
    run(async {
        let store = platform.open_storage("a").await.expect("open");
        store.put("a", vec![1]).await.expect("put");
        let whole = fs::read(&file).expect("the file is there");
        let half = &whole[..whole.len() / 2];
        fs::write(&file, half).expect("write");
        let refused = platform.open_storage("a").await.err();
        assert!(matches!(refused, Some(Error::Corrupt { .. })), "{refused:?}");
        let refused = store.put("b", vec![2]).await;
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
        assert_eq!(fs::read(&file).expect("still there"), half);
    })
    .expect("this system has an event loop");
}

#[test]
fn what_a_crash_left_half_written_is_ignored() {
    let folder = Folder::new();
    let platform = NativePlatform::new(folder.path());
    run(async {
        let store = platform.open_storage("a").await.expect("open");
        store.put("a", vec![1]).await.expect("put");
        fs::write(folder.path().join("a.settings-new"), b"half").expect("write");
        assert_eq!(store.get("a").await, Ok(Some(vec![1])));
        store.put("a", vec![2]).await.expect("put");
        assert_eq!(store.get("a").await, Ok(Some(vec![2])));
        assert!(!folder.path().join("a.settings-new").exists());
    })
    .expect("this system has an event loop");
}

#[test]
fn a_folder_that_can_not_be_is_no_storage() {
    let folder = Folder::new();
    fs::write(folder.path(), b"a file").expect("write");
    let platform = NativePlatform::new(folder.path());
    run(async {
        let refused = platform.open_storage("a").await.err();
        assert!(matches!(refused, Some(Error::Unavailable { .. })), "{refused:?}");
        let slots = HostSlots::new(folder.path());
        assert!(matches!(acquire(&platform, &slots, None).await, Acquired::Fresh(_)));
    })
    .expect("this system has an event loop");
    fs::remove_file(folder.path()).expect("it is a file");
}

/// Names the folder for the process that the next test starts.
const FOLDER_VARIABLE: &str = "IONOSPHERE_TEST_SLOTS";
const HELD: &str = "the slot is held";

#[test]
fn a_slot_held_by_another_process_is_free_when_that_dies() {
    let folder = Folder::new();
    let mut other = Command::new(env::current_exe().expect("tests are programs"))
        .args(["--exact", "host::hold_a_slot_until_killed", "--ignored", "--nocapture"])
        .env(FOLDER_VARIABLE, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started");
    let said = BufReader::new(other.stdout.take().expect("it was piped"));
    let held = said.lines().map_while(Result::ok).any(|line| line.contains(HELD));
    assert!(held, "the other process never held a slot");

    let platform = NativePlatform::new(folder.path());
    let slots = HostSlots::new(folder.path());
    let index = async |preferred| match acquire(&platform, &slots, preferred).await {
        Acquired::Slot(slot) => slot.index(),
        Acquired::Fresh(why) => panic!("{why}"),
    };
    let (beside, after) = run(async {
        let beside = index(None).await;
        other.kill().expect("it waits for us");
        other.wait().expect("it was killed");
        (beside, index(None).await)
    })
    .expect("this system has an event loop");
    assert_eq!((beside, after), (1, 0));
}

/// No test: the other process of the one above.
#[test]
#[ignore = "started by another test"]
fn hold_a_slot_until_killed() {
    let Some(folder) = env::var_os(FOLDER_VARIABLE) else { return };
    let platform = NativePlatform::new(&folder);
    let acquired = run(acquire(&platform, &HostSlots::new(&folder), Some(0)));
    assert!(matches!(acquired, Ok(Acquired::Slot(_))), "{acquired:?}");
    println!("{HELD}");
    // Ends with the test that started this, however that ends.
    let lines = std::io::stdin().lines().count();
    assert_eq!(lines, 0, "nobody writes to it");
}

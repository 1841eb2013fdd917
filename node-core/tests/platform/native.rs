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
        Disk, Platform, Storage,
        disk::{Changes, Table},
        native::{NativePlatform, run},
        storage::Error,
    },
};

use crate::{
    conformance::{self, all_keys, one, put, varied},
    every_case, every_disk_case,
};

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
every_disk_case!(case);

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

#[test]
fn a_disk_file_is_of_this_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let platform = NativePlatform::new(folder.path());
    run(async {
        let _disk = platform.open_disk("a").await.expect("open");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode(&folder.path().join("a.disk")) & 0o777, 0o600);
        assert_eq!(mode(folder.path()) & 0o777, 0o700);
    })
    .expect("this system has an event loop");
}

#[test]
fn a_disk_file_deleted_or_replaced_under_us_is_gone() {
    let folder = Folder::new();
    let platform = NativePlatform::new(folder.path());
    let file = folder.path().join("a.disk");
    run(async {
        let disk = platform.open_disk("a").await.expect("open");
        disk.write(put(Table::Meta, "a", vec![1])).await.expect("put");
        fs::remove_file(&file).expect("it is there");
        let is_gone = |error| matches!(error, Error::Gone { .. });
        assert!(disk.write(put(Table::Meta, "b", vec![2])).await.is_err_and(is_gone));
        let again = platform.open_disk("a").await.expect("a new one");
        assert_eq!(all_keys(&again, Table::Meta).await.len(), 0);
        assert!(disk.get(Table::Meta, vec![b"a".to_vec()]).await.is_err_and(is_gone));
        assert!(disk.usage().await.is_err_and(is_gone));
        again.write(put(Table::Meta, "c", vec![3])).await.expect("it is as good as any");
    })
    .expect("this system has an event loop");
}

#[test]
fn a_disk_file_of_other_contents_is_refused_and_left_alone() {
    let folder = Folder::new();
    let platform = NativePlatform::new(folder.path());
    let file = folder.path().join("a.disk");
    run(async {
        drop(platform.open_disk("a").await.expect("open"));
        let mut damaged = fs::read(&file).expect("it is there");
        damaged[..64].fill(7);
        for contents in [b"something else".to_vec(), damaged] {
            fs::write(&file, &contents).expect("write");
            let refused = platform.open_disk("a").await.err();
            assert!(matches!(refused, Some(Error::Corrupt { .. })), "{refused:?}");
            assert!(fs::read(&file).expect("still there") == contents);
        }
    })
    .expect("this system has an event loop");
}

#[test]
fn a_folder_that_can_not_be_has_no_disk() {
    let folder = Folder::new();
    fs::write(folder.path(), b"a file").expect("write");
    let platform = NativePlatform::new(folder.path());
    let refused = run(async { platform.open_disk("a").await.err() });
    assert!(matches!(refused, Ok(Some(Error::Unavailable { .. }))), "{refused:?}");
    fs::remove_file(folder.path()).expect("it is a file");
}

#[test]
fn a_disk_held_by_another_is_waited_for_and_then_given_up() {
    let folder = Folder::new();
    // Two platforms share nothing, as two programs do not.
    let (holder, other) = (NativePlatform::new(folder.path()), NativePlatform::new(folder.path()));
    run(async {
        let disk = holder.open_disk("a").await.expect("open");
        assert_eq!(other.open_disk("a").await.err(), Some(Error::Blocked));
        let release = async {
            other.sleep(100).await;
            drop(disk);
        };
        let (opened, ()) = futures::future::join(other.open_disk("a"), release).await;
        assert!(opened.is_ok(), "it was released meanwhile");
    })
    .expect("this system has an event loop");
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

#[test]
fn a_killed_program_leaves_a_whole_disk() {
    let folder = Folder::new();
    for round in 0..10u8 {
        let mut other = Command::new(env::current_exe().expect("tests are programs"))
            .args(["--exact", "host::write_until_killed", "--ignored", "--nocapture"])
            .env(FOLDER_VARIABLE, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        let said = BufReader::new(other.stdout.take().expect("it was piped"));
        let mut acknowledged = said.lines().map_while(Result::ok).filter_map(|line| {
            line.split_once(WRITTEN).and_then(|(_, number)| number.trim().parse::<u32>().ok())
        });
        let last = acknowledged.nth(usize::from(round)).expect("it writes and says so");
        other.kill().expect("it writes for ever");
        other.wait().expect("it was killed");
        let last = acknowledged.last().unwrap_or(last);
        run(check_written(&NativePlatform::new(folder.path()), last)).expect("a loop");
    }
}

/// All that was acknowledged is there, and blocks have what names them.
async fn check_written(platform: &NativePlatform, last: u32) {
    let disk = platform.open_disk("a").await.expect("the disk opens");
    let names = all_keys(&disk, Table::Names).await;
    let count = u32::try_from(names.len()).expect("few");
    assert!(count > last, "{last} was acknowledged, and there are only {count}");
    assert_eq!(all_keys(&disk, Table::Chunks).await, names);
    let block = one(&disk, Table::Chunks, &last.to_be_bytes()).await;
    assert!(block == Some(varied(100_000, last)), "block {last} is damaged");
}

const WRITTEN: &str = "written:";

/// No test: the other process of the one above.
#[test]
#[ignore = "started by another test"]
fn write_until_killed() {
    let Some(folder) = env::var_os(FOLDER_VARIABLE) else { return };
    let platform = NativePlatform::new(&folder);
    let written = run(async {
        let disk = platform.open_disk("a").await.expect("open");
        let mut next = u32::try_from(all_keys(&disk, Table::Names).await.len()).expect("few");
        loop {
            let key = next.to_be_bytes();
            let changes = Changes::new().put(Table::Chunks, key, varied(100_000, next)).put(
                Table::Names,
                key,
                vec![1],
            );
            disk.write(changes).await.expect("write");
            println!("{WRITTEN}{next}");
            next += 1;
        }
    });
    let written: Result<(), std::io::Error> = written;
    written.expect("a loop");
}

//! The suite in the simulator, on every platform, and what only a simulator
//! can do.

use std::{cell::RefCell, rc::Rc};

use futures::{FutureExt, channel::oneshot, poll};
use node_core::{
    identity::slot::{Notice, SimSlots, settle},
    platform::{
        Batch, Disk, Platform, Storage,
        disk::{Changes, MemoryDisk, Table, Usage},
        sim::{Sim, SimPlatform},
        storage::Error,
    },
};

use crate::{
    conformance::{self, all_keys, one, put},
    every_case, every_disk_case,
};

macro_rules! case {
    ($name:ident) => {
        as_test! {
            fn $name() {
                for seed in 0..5 {
                    let sim = Sim::new(seed);
                    let case = conformance::$name(sim.platform(), SimSlots::default());
                    sim.run_until(case).unwrap_or_else(|stuck| panic!("{stuck}"));
                }
            }
        }
    };
}
every_case!(case);
every_disk_case!(case);

/// Three tasks that sleep at random for a while, and when each woke.
fn trace(seed: u64) -> Vec<(u64, u8)> {
    let sim = Sim::new(seed);
    let platform = sim.platform();
    let trace = Rc::new(RefCell::new(Vec::new()));
    for task in 0..3 {
        let (log, machine) = (trace.clone(), platform.clone());
        let work = async move {
            for _ in 0..20 {
                let mut byte = [0];
                machine.fill_random(&mut byte);
                machine.sleep(u64::from(byte[0])).await;
                log.borrow_mut().push((machine.now().as_ms(), task));
            }
        };
        platform.spawn(work.boxed_local());
    }
    sim.advance(60_000);
    assert_eq!(sim.now().as_ms(), 60_000);
    trace.take()
}

as_test! {
    fn everything_follows_from_the_seed() {
        assert_eq!(trace(7).len(), 60);
        assert_eq!(trace(7), trace(7));
        assert_ne!(trace(7), trace(8));
    }
}

as_test! {
    fn machines_of_one_world_differ_and_share_time() {
        let sim = Sim::new(3);
        let (one, other) = (sim.platform(), sim.platform());
        let fill = |platform: &SimPlatform| {
            let mut bytes = [0; 16];
            platform.fill_random(&mut bytes);
            bytes
        };
        assert_ne!(fill(&one), fill(&other));
        sim.advance(5);
        assert_eq!((one.now(), other.now()), (sim.now(), sim.now()));
    }
}

as_test! {
    fn time_passes_only_up_to_where_it_is_let() {
        let sim = Sim::new(1);
        let platform = sim.platform();
        let woke = Rc::new(RefCell::new(Vec::new()));
        for ms in [10, 20, 20, 21] {
            let woke = woke.clone();
            let sleeper = platform.sleep(ms).map(move |()| woke.borrow_mut().push(ms));
            platform.spawn(sleeper.boxed_local());
        }
        sim.advance(20);
        assert_eq!(*woke.borrow(), [10, 20, 20]);
        sim.advance(1);
        assert_eq!(woke.borrow().len(), 4);
    }
}

as_test! {
    fn a_future_that_waits_for_nothing_is_told_with_its_seed() {
        let sim = Sim::new(99);
        let (_sender, receiver) = oneshot::channel::<()>();
        let stuck = sim.run_until(receiver).expect_err("nobody sends");
        assert_eq!(stuck.seed, 99);
        assert!(stuck.to_string().contains("seed 99"), "{stuck}");
    }
}

as_test! {
    fn a_task_that_wakes_itself_for_ever_is_told() {
        let sim = Sim::new(4);
        let stuck = sim.run_until(std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        }));
        assert!(stuck.is_err());
    }
}

as_test! {
    fn a_crash_keeps_what_was_written_and_loses_what_was_not() {
        let sim = Sim::new(5);
        let before = sim.platform();
        let machine = before.clone();
        sim.run_until(async move {
            let store = machine.open_storage("a").await.expect("open");
            store.put("kept", vec![1]).await.expect("put");
            let late = store.clone();
            let put = async move { late.put("lost", vec![2]).await.expect("never gets here") };
            machine.spawn(put.boxed_local());
            let mut begun = store.put("begun", vec![3]);
            assert!(poll!(&mut begun).is_pending());

            let after = machine.crash();
            let found = after.open_storage("a").await.expect("the disk outlives the crash");
            assert_eq!(found.list("").await, Ok(vec!["kept".to_owned()]));
            let refused = begun.await;
            assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
            after.sleep(1_000).await;
            assert_eq!(found.list("").await, Ok(vec!["kept".to_owned()]));
        })
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

as_test! {
    fn a_crash_ends_all_tasks_even_the_one_that_calls_it() {
        let sim = Sim::new(6);
        let machine = sim.platform();
        let log = Rc::new(RefCell::new(Vec::new()));
        let (crasher, beside) = (log.clone(), log.clone());
        let (own, other) = (machine.clone(), machine.clone());
        machine.spawn(async move {
            other.sleep(5).await;
            beside.borrow_mut().push("beside");
        }.boxed_local());
        machine.spawn(async move {
            drop(own.crash());
            crasher.borrow_mut().push("up to the next wait");
            own.sleep(1).await;
            crasher.borrow_mut().push("after it");
        }.boxed_local());
        sim.advance(100);
        assert_eq!(*log.borrow(), ["up to the next wait"]);
        assert_eq!(Rc::strong_count(&log), 1, "an ended task still lives");
    }
}

as_test! {
    fn a_crashed_ion_is_the_same_ion_when_it_starts_again() {
        let sim = Sim::new(8);
        let machine = sim.platform();
        let slots = SimSlots::default();
        let (before, after) = sim.run_until(async move {
            let before = settle(&machine, &slots, None).await.seed;
            let machine = machine.crash();
            (before, settle(&machine, &slots, None).await.seed)
        }).unwrap_or_else(|stuck| panic!("{stuck}"));
        assert_eq!(before, after);
    }
}

as_test! {
    fn a_full_disk_is_an_answer_and_changes_nothing() {
        let sim = Sim::new(9);
        let machine = sim.platform();
        machine.limit_disk(100);
        sim.run_until(async move {
            let store = machine.open_storage("a").await.expect("open");
            store.put("a", vec![1; 60]).await.expect("fits");
            let batch = Batch::new().put("a", vec![2; 60]).put("b", vec![2; 60]);
            assert_eq!(store.write(batch).await, Err(Error::QuotaExceeded));
            assert_eq!(store.get("a").await, Ok(Some(vec![1; 60])));
            assert_eq!(store.get("b").await, Ok(None));
        }).unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

as_test! {
    fn without_a_disk_an_ion_is_fresh_and_says_so() {
        let sim = Sim::new(10);
        let machine = sim.platform();
        machine.remove_disk();
        let seeds = sim.run_until(async move {
            let slots = SimSlots::default();
            let mut seeds = Vec::new();
            for _ in 0..2 {
                let settled = settle(&machine, &slots, None).await;
                assert!(settled.place.is_none());
                assert!(matches!(settled.notice, Some(Notice::NoStorage(_))));
                seeds.push(settled.seed);
            }
            seeds
        }).unwrap_or_else(|stuck| panic!("{stuck}"));
        assert_ne!(seeds[0], seeds[1]);
    }
}

as_test! {
    fn a_crash_keeps_the_disk_up_to_the_last_write_that_resolved() {
        let sim = Sim::new(11);
        let before = sim.platform();
        sim.run_until(async move {
            let disk = before.open_disk("a").await.expect("open");
            disk.write(put(Table::Entries, "kept", vec![1])).await.expect("put");
            let mut begun = disk.write(put(Table::Entries, "begun", vec![2]));
            assert!(poll!(&mut begun).is_pending());

            let after = before.crash();
            let found = after.open_disk("a").await.expect("the disk outlives the crash");
            assert_eq!(all_keys(&found, Table::Entries).await, [b"kept"]);
            let refused = begun.await;
            assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
            assert_eq!(all_keys(&found, Table::Entries).await, [b"kept"]);
        })
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

/// How many of ten writes survive a power cut; the first was long before.
fn survive_power_cut(seed: u64) -> usize {
    let sim = Sim::new(seed);
    let before = sim.platform();
    sim.run_until(async move {
        let disk = before.open_disk("a").await.expect("open");
        let numbered = |n: u8| put(Table::Entries, [n], vec![n]).put(Table::Meta, "last", vec![n]);
        disk.write(numbered(0)).await.expect("write");
        before.sleep(10_000).await;
        for n in 1..10 {
            disk.write(numbered(n)).await.expect("write");
        }
        let disk = before.cut_power().open_disk("a").await.expect("the disk is still there");
        let kept = all_keys(&disk, Table::Entries).await;
        let last = one(&disk, Table::Meta, b"last").await.expect("the first was synced");
        let whole: Vec<Vec<u8>> = (0..=last[0]).map(|n| vec![n]).collect();
        assert_eq!(kept, whole, "a write was lost from the middle, or a part of one");
        kept.len()
    })
    .unwrap_or_else(|stuck| panic!("{stuck}"))
}

as_test! {
    fn a_power_cut_takes_the_last_writes_and_nothing_else() {
        let kept: std::collections::BTreeSet<usize> = (0..100).map(survive_power_cut).collect();
        assert_eq!(kept, (1..=10).collect());
    }
}

as_test! {
    fn a_disk_that_is_full_half_way_keeps_what_was_there() {
        let sim = Sim::new(12);
        let machine = sim.platform();
        machine.limit_disk(100);
        sim.run_until(async move {
            let disk = machine.open_disk("a").await.expect("open");
            disk.write(put(Table::Chunks, "a", vec![1; 60])).await.expect("fits");
            let more = put(Table::Chunks, "a", vec![2; 60]).put(Table::Entries, "b", vec![2; 60]);
            assert_eq!(disk.write(more).await, Err(Error::QuotaExceeded));
            assert_eq!(one(&disk, Table::Chunks, b"a").await, Some(vec![1; 60]));
            assert_eq!(one(&disk, Table::Entries, b"b").await, None);
            assert_eq!(disk.usage().await, Ok(Usage { used_bytes: 61, quota_bytes: Some(100) }));
            machine.limit_disk(10);
            let less = Changes::new().delete(Table::Chunks, "a").put(Table::Meta, "b", vec![3; 20]);
            assert_eq!(disk.write(less).await, Ok(()), "what makes room is always possible");
        })
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

as_test! {
    fn a_disk_deleted_under_us_is_gone_until_opened_again() {
        let sim = Sim::new(13);
        let machine = sim.platform();
        sim.run_until(async move {
            let disk = machine.open_disk("a").await.expect("open");
            disk.write(put(Table::Meta, "a", vec![1])).await.expect("put");
            machine.delete_disks();
            let clone = disk.clone();
            let is_gone = |error| matches!(error, Error::Gone { .. });
            assert!(disk.get(Table::Meta, vec![b"a".to_vec()]).await.is_err_and(is_gone));
            let again = machine.open_disk("a").await.expect("a new one");
            assert!(clone.write(put(Table::Meta, "b", vec![1])).await.is_err_and(is_gone));
            assert!(clone.usage().await.is_err_and(is_gone));
            assert_eq!(all_keys(&again, Table::Meta).await.len(), 0);
        })
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

as_test! {
    fn a_disk_held_by_others_is_waited_for_and_then_given_up() {
        let sim = Sim::new(14);
        let machine = sim.platform();
        machine.hold_disk(true);
        sim.run_until(async move {
            assert_eq!(machine.open_disk("a").await.err(), Some(Error::Blocked));
            let (later, start) = (machine.clone(), machine.now());
            machine.spawn(async move {
                later.sleep(1_000).await;
                later.hold_disk(false);
            }.boxed_local());
            assert!(machine.open_disk("a").await.is_ok());
            assert!(machine.now().since_ms(start) >= 1_000);
        })
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

as_test! {
    fn a_slow_disk_takes_its_time_and_keeps_the_order() {
        let sim = Sim::new(15);
        let machine = sim.platform();
        sim.run_until(async move {
            let disk = machine.open_disk("a").await.expect("open");
            machine.slow_disk(70, 500);
            let start = machine.now();
            let first = disk.write(put(Table::Meta, "a", vec![1]));
            let (fast, second) = (machine.clone(), disk.write(put(Table::Meta, "a", vec![2])));
            let second = async move {
                fast.slow_disk(70, 1);
                second.await
            };
            assert_eq!(futures::future::join(first, second).await, (Ok(()), Ok(())));
            assert_eq!(machine.now().since_ms(start), 500);
            assert_eq!(one(&disk, Table::Meta, b"a").await, Some(vec![2]));
            assert_eq!(machine.now().since_ms(start), 570);
        })
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

as_test! {
    fn a_disk_in_memory_is_full_at_its_limit() {
        let sim = Sim::new(16);
        sim.run_until(async move {
            let disk = MemoryDisk::new(10);
            disk.write(put(Table::Meta, "a", vec![1; 9])).await.expect("fits");
            let more = put(Table::Meta, "b", vec![]);
            assert_eq!(disk.clone().write(more).await, Err(Error::QuotaExceeded));
            assert_eq!(all_keys(&disk, Table::Meta).await, [b"a"]);
        })
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    }
}

//! Time, randomness and tasks.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, channel::oneshot, future::join_all};
use node_core::platform::Platform;

/// 2025-01-01 and 2200-01-01.
const WALL_MS: std::ops::Range<u64> = 1_735_689_600_000..7_258_118_400_000;

pub(crate) async fn time_never_goes_back<P: Platform, S>(platform: P, _: S) {
    let mut before = platform.now();
    for round in 0..1_000 {
        if round % 200 == 0 {
            platform.sleep(2).await;
            assert!(platform.now() > before, "time stands still");
        }
        let now = platform.now();
        assert!(now >= before, "{now} came after {before}");
        before = now;
    }
}

pub(crate) async fn the_wall_clock_is_of_our_time<P: Platform, S>(platform: P, _: S) {
    let before = platform.wall_ms();
    assert!(WALL_MS.contains(&before), "{before}");
    platform.sleep(20).await;
    let passed = platform.wall_ms().saturating_sub(before);
    assert!((10..60_000).contains(&passed), "{passed} ms for 20");
}

pub(crate) async fn a_sleep_does_not_end_early<P: Platform, S>(platform: P, _: S) {
    for ms in [0, 1, 2, 3, 5, 8, 13, 21, 34] {
        let start = platform.now();
        platform.sleep(ms).await;
        assert!(platform.now().since_ms(start) >= ms, "{ms} ms from {start}");
    }
}

pub(crate) async fn sleeps_end_in_order_of_their_length<P: Platform, S>(platform: P, _: S) {
    let ended = Rc::new(RefCell::new(Vec::new()));
    let (lengths_ms, ordered) = ([90, 30, 120, 60], [30, 60, 90, 120]);
    join_all(lengths_ms.map(|ms| {
        let ended = ended.clone();
        platform.sleep(ms).map(move |()| ended.borrow_mut().push(ms))
    }))
    .await;
    assert_eq!(*ended.borrow(), ordered);
}

pub(crate) async fn a_spawned_task_runs_later_and_beside<P: Platform, S>(platform: P, _: S) {
    let started = Rc::new(Cell::new(false));
    let (go, gone) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let flag = started.clone();
    platform.spawn(
        async move {
            flag.set(true);
            gone.await.expect("the other side waits for us");
            done.send(()).expect("the other side waits for us");
        }
        .boxed_local(),
    );
    assert!(!started.get(), "spawn polled the task itself");
    go.send(()).expect("the task waits");
    is_done.await.expect("the task answers");
    assert!(started.get());
}

pub(crate) async fn random_bytes_differ<P: Platform, S>(platform: P, _: S) {
    let fill = || {
        let mut bytes = [0; 32];
        platform.fill_random(&mut bytes);
        bytes
    };
    let (first, second) = (fill(), fill());
    assert_ne!(first, second);
    assert_ne!(first, [0; 32]);
    // More than browsers give at once.
    let mut many = vec![0; 150_001];
    platform.fill_random(&mut many);
    for part in many.chunks(32).filter(|part| part.len() == 32) {
        assert_ne!(part, [0; 32], "a part was not filled");
    }
    platform.fill_random(&mut []);
}

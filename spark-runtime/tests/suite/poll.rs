//! Clocks, and waiting: for a time, and for descriptors.

use spark_runtime::Stop;

use crate::{
    host::test,
    script::{
        ANSWER, BADF, BYTES, CREATE, FAULT, FILE_RIGHTS, FOLDER, FOLDER_RIGHTS, INVAL, NOTCAPABLE,
        ROOT, SPIPE, Script,
    },
};

/// Where subscriptions stand, 48 bytes each, and events, 32 bytes each.
const SUBSCRIPTIONS: i64 = 2048;
const EVENTS: i64 = 4096;

const CLOCK: i64 = 0;
const READ: i64 = 1;
const WRITE: i64 = 2;

/// What is waited for: the kind, the clock or descriptor, nanoseconds, and flags.
type Subscription = (i64, i64, i64, i64);

/// Waits; the guest's own name for each subscription is 100 and its index.
fn poll(script: &mut Script, subscriptions: &[Subscription], errno: i64) {
    for (index, (kind, first, timeout_ns, flags)) in (0_i64..).zip(subscriptions) {
        let at = SUBSCRIPTIONS + 48 * index;
        script.code(&format!(
            "(i64.store (i32.const {at}) (i64.const {}))
            (i64.store (i32.const {}) (i64.const {kind})) (i64.store (i32.const {}) (i64.const {first}))
            (i64.store (i32.const {}) (i64.const {timeout_ns}))
            (i64.store (i32.const {}) (i64.const {flags}))",
            100 + index,
            at + 8,
            at + 16,
            at + 24,
            at + 40,
        ));
    }
    let count = i64::try_from(subscriptions.len()).unwrap();
    script.call("poll_oneoff", &[SUBSCRIPTIONS, EVENTS, count, ANSWER], errno);
}

/// Expects an event: the name, error number and kind, bytes, and flags.
fn event(
    script: &mut Script,
    index: i64,
    name: i64,
    (errno, kind): (i64, i64),
    bytes: i64,
    flags: i64,
) {
    let at = EVENTS + 32 * index;
    script.expect(at, name).expect(at + 8, kind << 16 | errno);
    script.expect(at + 16, bytes).expect(at + 24, flags);
}

/// What is between two looks at a clock, in nanoseconds.
fn elapsed(script: &mut Script, clock: i64, between: impl FnOnce(&mut Script)) {
    script.call("clock_time_get", &[clock, 0, 512], 0);
    between(script);
    script.call("clock_time_get", &[clock, 0, 520], 0);
    script.code(&format!(
        "(i64.store (i32.const {BYTES}) (i64.div_u
            (i64.sub (i64.load (i32.const 520)) (i64.load (i32.const 512))) (i64.const 1000000)))"
    ));
}

#[test]
fn the_earliest_time_ends_a_wait_and_all_that_is_due_is_told() {
    let mut script = Script::new();
    let second = 1_000_000_000;
    elapsed(&mut script, 1, |script| {
        let wait =
            [(CLOCK, 1, 3 * second, 0), (CLOCK, 0, 2 * second, 0), (CLOCK, 1, 2 * second, 0)];
        poll(script, &wait, 0);
        script.expect_count(2);
        event(script, 0, 101, (0, CLOCK), 0, 0);
        event(script, 1, 102, (0, CLOCK), 0, 0);
    });
    // In milliseconds.
    script.expect(BYTES, 2000);
    // A time that has passed is no wait; one of the other clock's future is a long one.
    elapsed(&mut script, 1, |script| poll(script, &[(CLOCK, 0, 0, 1), (CLOCK, 1, second, 0)], 0));
    script.expect(BYTES, 0);
    let hour = 3600 * second;
    elapsed(&mut script, 1, |script| {
        poll(script, &[(CLOCK, 0, 1_735_689_600 * second + hour, 1)], 0);
    });
    script.expect(BYTES, 3_597_999);
    // Processor time stands still meanwhile.
    elapsed(&mut script, 2, |script| poll(script, &[(CLOCK, 1, hour, 0)], 0));
    script.expect(BYTES, 0);
    assert_eq!(script.run(&[]).stop, None);
}

#[test]
fn the_longest_wait_ends() {
    let mut script = Script::new();
    for _ in 0..3 {
        poll(&mut script, &[(CLOCK, 1, -1, 0)], 0);
        script.expect_count(1);
    }
    script.call("clock_time_get", &[1, 0, BYTES], 0).expect(BYTES, -1);
    script.call("clock_time_get", &[0, 0, BYTES], 0).expect(BYTES, -1);
    assert_eq!(script.run(&[]).stop, None);
}

#[test]
fn descriptors_are_ready_with_what_they_have() {
    let mut script = Script::new();
    script.open("f", 0, FILE_RIGHTS, 0).call("fd_seek", &[4, 1, 0, ANSWER], 0);
    let wait = [(READ, 0, 0, 0), (CLOCK, 1, 1, 0), (READ, 4, 0, 0), (WRITE, 1, 0, 0)];
    poll(&mut script, &wait, 0);
    script.expect_count(3);
    event(&mut script, 0, 100, (0, READ), 5, 0);
    event(&mut script, 1, 102, (0, READ), 3, 0);
    event(&mut script, 2, 103, (0, WRITE), 1 << 20, 0);
    // At its end a stream says that there will be no more.
    script.read(0, 9).read(4, 9);
    poll(&mut script, &[(READ, 0, 0, 0), (READ, 4, 0, 0), (WRITE, 4, 0, 0)], 0);
    event(&mut script, 0, 100, (0, READ), 0, 1);
    event(&mut script, 1, 101, (0, READ), 0, 1);
    script.expect(EVENTS + 64 + 8, WRITE << 16);
    assert_eq!(script.output(&[("f", "text")]), "[input][ext]");
}

#[test]
fn what_cannot_be_waited_for_is_an_event_or_an_error() {
    let mut script = Script::new();
    script.open("f", 0, 1 << 27, 0).open("f", CREATE, 1 << 1, 0).open(
        ".",
        FOLDER,
        FOLDER_RIGHTS,
        0,
    );
    let wait = [
        (READ, 1, 0, 0),
        (WRITE, 0, 0, 0),
        (READ, 9, 0, 0),
        (READ, 4, 0, 0),
        (READ, 5, 0, 0),
        (WRITE, 6, 0, 0),
        (READ, ROOT, 0, 0),
    ];
    poll(&mut script, &wait, 0);
    script.expect_count(7);
    for (index, errno) in (0..).zip([BADF, BADF, BADF, NOTCAPABLE, NOTCAPABLE, BADF, BADF]) {
        event(
            &mut script,
            index,
            100 + index,
            (errno, wait[usize::try_from(index).unwrap()].0),
            0,
            0,
        );
    }
    for wrong in
        [(3, 0, 0, 0), (CLOCK, 4, 0, 0), (CLOCK, 2, 0, 0), (CLOCK, 3, 0, 0), (CLOCK, 1, 0, 2)]
    {
        poll(&mut script, &[(READ, 0, 0, 0), wrong], INVAL);
    }
    // Where events cannot be written, no time goes by.
    elapsed(&mut script, 1, |script| {
        poll(script, &[(CLOCK, 1, 1 << 40, 0)], 0);
        for (at, events, count, count_at) in [
            (262_140, EVENTS, 1, ANSWER),
            (SUBSCRIPTIONS, 262_130, 1, ANSWER),
            (SUBSCRIPTIONS, EVENTS, 1, 262_141),
            (SUBSCRIPTIONS, -1, 1, ANSWER),
        ] {
            script.call("poll_oneoff", &[at, events, count, count_at], FAULT);
        }
    });
    script.expect(BYTES, (1 << 40) / 1_000_000);
    assert_eq!(script.run(&[("f", "text")]).stop, None);
}

#[test]
fn streams_have_no_place_and_no_size() {
    let mut script = Script::new();
    for fd in [0, 1, 2] {
        script.call("fd_seek", &[fd, 0, 1, ANSWER], SPIPE).call("fd_tell", &[fd, ANSWER], SPIPE);
        script.call("fd_pread", &[fd, Script::buffer_at(), 0, 0, ANSWER], SPIPE);
        script.call("fd_pwrite", &[fd, Script::buffer_at(), 0, 0, ANSWER], SPIPE);
        script.call("fd_allocate", &[fd, 0, 1], SPIPE).call("fd_advise", &[fd, 0, 1, 0], SPIPE);
        script.call("fd_sync", &[fd], 0).call("fd_datasync", &[fd], 0);
        script.call("fd_filestat_get", &[fd, BYTES], 0).expect(BYTES + 16, 0).expect(BYTES + 24, 1);
        script.call("fd_fdstat_set_flags", &[fd, 4], 0).call("fd_fdstat_get", &[fd, BYTES], 0);
        script
            .code(&format!("(i64.store8 (i32.const {BYTES}) (i64.const 0))"))
            .expect(BYTES, 4 << 16);
    }
    assert_eq!(script.run(&[]).stop, None::<Stop>);
}

//! Hostile calls of the system: storms, floods, and what is out of range.

use spark_runtime::{Call, Stop};

use super::{end, endless, limits};
use crate::{
    guests::still,
    host::test,
    script::{
        ALL_RIGHTS, ANSWER, BYTES, CREATE, FAULT, FILE_RIGHTS, FOLDER, FUNCTIONS, INVAL, NOENT,
        NOTCAPABLE, ROOT, Script, call, given,
    },
};

/// Expects a guest that makes the same calls again and again to end by fuel and deadline.
fn storm(script: &mut Script, calls: &[String]) {
    let drops = calls.iter().map(|call| format!("(drop {call})")).collect::<Vec<_>>().concat();
    script.code(&format!("(loop $more {drops} (br $more))"));
    endless(&script.module(), &given(&[("f", "text")]));
}

/// How a script ends.
fn script_stop(script: &Script) -> Option<Stop> {
    let binary = wat::parse_str(script.module()).unwrap();
    end(&binary, &given(&[("f", "text")]), limits(), still).stop
}

#[test]
fn a_storm_of_calls_that_do_nothing() {
    storm(&mut Script::new(), &[call("sched_yield", &[]), call("clock_time_get", &[1, 0, BYTES])]);
}

#[test]
fn a_storm_of_calls_that_fail() {
    let calls =
        [call("fd_write", &[99, 0, 0, 0]), call("random_get", &[-1, -1]), call("proc_raise", &[9])];
    storm(&mut Script::new(), &calls);
}

#[test]
fn a_storm_of_random_bytes() {
    storm(&mut Script::new(), &[call("random_get", &[0, 262_144])]);
}

#[test]
fn a_storm_of_endless_waits() {
    let mut script = Script::new();
    script.code(
        "(i64.store (i32.const 1048) (i64.const -1)) (i32.store (i32.const 1040) (i32.const 1))",
    );
    storm(&mut script, &[call("poll_oneoff", &[BYTES, 4096, 1, ANSWER])]);
}

#[test]
fn a_flood_of_output() {
    let mut script = Script::new();
    script.buffer(BYTES, 999).code("(loop $more");
    script.call("fd_write", &[1, Script::buffer_at(), 1, ANSWER], 0).code("(br $more))");
    assert_eq!(script_stop(&script), Some(Stop::OutputLimit { bytes_max: 10_000 }));
}

#[test]
fn a_flood_of_output_out_of_one_buffer_named_a_thousand_times() {
    let mut script = Script::new();
    script.code(
        "(loop $more
            (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $i) (i32.const 8))) (i32.const 0))
            (i32.store (i32.add (i32.const 4100) (i32.mul (local.get $i) (i32.const 8))) (i32.const 262144))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $i) (i32.const 1024))))",
    );
    script.call("fd_write", &[2, 4096, 1025, ANSWER], INVAL).call(
        "fd_write",
        &[2, 4096, 1024, ANSWER],
        0,
    );
    assert_eq!(script_stop(&script), Some(Stop::OutputLimit { bytes_max: 10_000 }));
}

/// Stands for an address in what follows.
const AT: i64 = i64::MIN + 1;

/// Every call that takes an address, with arguments that are right but for those.
const POINTED: [(&str, &[i64]); 33] = [
    ("args_get", &[AT, AT]),
    ("args_sizes_get", &[AT, AT]),
    ("environ_get", &[AT, AT]),
    ("environ_sizes_get", &[AT, AT]),
    ("clock_res_get", &[0, AT]),
    ("clock_time_get", &[0, 0, AT]),
    ("fd_fdstat_get", &[4, AT]),
    ("fd_filestat_get", &[4, AT]),
    ("fd_pread", &[4, AT, 1, 0, AT]),
    ("fd_prestat_get", &[ROOT, AT]),
    ("fd_prestat_dir_name", &[ROOT, AT, 1]),
    ("fd_pwrite", &[4, AT, 1, 0, AT]),
    ("fd_read", &[4, AT, 1, AT]),
    ("fd_read", &[0, AT, 1, AT]),
    ("fd_readdir", &[ROOT, AT, 64, 0, AT]),
    ("fd_seek", &[4, 1, 0, AT]),
    ("fd_seek", &[4, 0, 1, AT]),
    ("fd_tell", &[4, AT]),
    ("fd_write", &[4, AT, 1, AT]),
    ("fd_write", &[1, AT, 1, AT]),
    ("path_create_directory", &[ROOT, AT, 1]),
    ("path_filestat_get", &[ROOT, 0, AT, 1, AT]),
    ("path_filestat_set_times", &[ROOT, 0, AT, 1, 0, 0, 0]),
    ("path_link", &[ROOT, 0, AT, 1, ROOT, AT, 1]),
    ("path_open", &[ROOT, 0, AT, 1, CREATE, 0, 0, 0, AT]),
    ("path_readlink", &[ROOT, AT, 1, AT, 1, AT]),
    ("path_remove_directory", &[ROOT, AT, 1]),
    ("path_rename", &[ROOT, AT, 1, ROOT, AT, 1]),
    ("path_symlink", &[AT, 1, ROOT, AT, 1]),
    ("path_unlink_file", &[ROOT, AT, 1]),
    ("poll_oneoff", &[AT, AT, 1, AT]),
    ("random_get", &[AT, 1]),
    ("random_get", &[AT, -1]),
];

#[test]
fn addresses_out_of_range_in_every_call() {
    let mut script = Script::new();
    script.open("f", 0, FILE_RIGHTS, 0).symlink("f", "l", 0).buffer(BYTES, 4);
    for (name, arguments) in POINTED {
        let places = (0..arguments.len()).filter(|place| arguments[*place] == AT);
        for place in places {
            for wrong in [262_144, -1, -8, i64::from(i32::MAX), i64::from(i32::MIN)] {
                // A path that is there, and a buffer.
                let right = |(at, argument): (usize, &i64)| match *argument {
                    AT if at == place => wrong,
                    AT if name == "path_readlink" => 8192 + 2,
                    AT if name.starts_with("path_") => 8192,
                    AT => Script::buffer_at(),
                    other => other,
                };
                let arguments: Vec<i64> = arguments.iter().enumerate().map(right).collect();
                script.call(name, &arguments, FAULT);
            }
        }
    }
    // Buffers that lie outside, though their list does not.
    for (at, bytes) in [(262_144, 1), (-1, -1), (0, 262_145), (262_143, 2), (8, -8)] {
        script.buffer(at, bytes);
        for (name, fd) in [("fd_read", 4), ("fd_read", 0), ("fd_write", 4), ("fd_write", 1)] {
            script.call(name, &[fd, Script::buffer_at(), 1, ANSWER], FAULT);
        }
        script.call("fd_pread", &[4, Script::buffer_at(), 1, 0, ANSWER], FAULT);
        script.call("fd_pwrite", &[4, Script::buffer_at(), 1, 0, ANSWER], FAULT);
    }
    // Nothing came of it: the file is as it was, and no descriptor was lost.
    script
        .call("fd_filestat_get", &[4, BYTES], 0)
        .expect(BYTES + 32, 4)
        .open("f", 0, 0, 0)
        .expect_count(5);
    let environment = vec![("NAME".to_owned(), "value".to_owned())];
    let Call::Command { arguments, stdin, files, .. } = given(&[("f", "text")]) else { panic!() };
    let call = Call::Command { arguments, environment, stdin, files };
    let binary = wat::parse_str(script.module()).unwrap();
    assert_eq!(end(&binary, &call, limits(), still).stop, None);
}

#[test]
fn numbers_of_every_kind_in_every_call() {
    const NUMBERS: [i64; 20] = [
        0,
        1,
        2,
        3,
        4,
        5,
        8,
        16,
        255,
        1024,
        4096,
        8192,
        65_535,
        65_536,
        262_143,
        262_144,
        -1,
        1 << 31,
        i64::MAX,
        i64::MIN,
    ];
    let mut state = 7_u64;
    let mut next = |below: usize| {
        // xorshift64, after Marsaglia.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut ended = 0;
    for _ in 0..12 {
        let mut script = Script::new();
        script.text("f");
        script.open("d/f", CREATE, ALL_RIGHTS & !(1 << 14), NOENT).path(
            "path_create_directory",
            "d",
            0,
        );
        script.symlink("../f", "d/l", 0).open("f", 0, FILE_RIGHTS, 0).open(
            "d",
            FOLDER,
            ALL_RIGHTS & !(1 << 6),
            0,
        );
        for _ in 0..400 {
            let (name, letters) = FUNCTIONS[next(FUNCTIONS.len())];
            let arguments: Vec<i64> =
                letters.chars().map(|_| NUMBERS[next(NUMBERS.len())]).collect();
            script.code(&format!("(drop {})", call(name, &arguments)));
        }
        match script_stop(&script) {
            None | Some(Stop::OutputLimit { .. } | Stop::OutOfFuel { .. }) => ended += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ended, 12);
}

#[test]
fn links_that_lead_out_of_the_folder() {
    let mut script = Script::new();
    script.path("path_create_directory", "d", 0);
    script.symlink("..", "d/up", 0).symlink("../..", "d/out", 0).symlink("d/up/d/out", "way", 0);
    script.open("d/up/f", 0, FILE_RIGHTS, 0);
    for path in [
        "/etc/passwd",
        "d/out",
        "d/out/etc/passwd",
        "way/x",
        "d/up/..",
        "d/up/d/up/../..",
        "way/../..",
    ] {
        script.open(path, 0, 0, NOTCAPABLE).open(path, CREATE, 0, NOTCAPABLE);
    }
    script.code("(call $exit (i32.const 9))");
    assert_eq!(script_stop(&script), Some(Stop::Exit { code: 9 }));
}

#[test]
fn a_storm_of_paths_through_a_maze_of_links() {
    let mut script = Script::new();
    script.path("path_create_directory", "d", 0).symlink(&"d/../".repeat(90), "maze", 0);
    let (at, bytes) = script.text("maze/maze/maze/maze/maze/maze/maze/maze/f");
    storm(&mut script, &[call("path_open", &[ROOT, 0, at, bytes, 0, 0, 0, 0, ANSWER])]);
}

#[test]
fn a_storm_of_descriptors() {
    let mut script = Script::new();
    let (at, bytes) = script.text("f");
    storm(&mut script, &[call("path_open", &[ROOT, 0, at, bytes, 0, 0, 0, 0, ANSWER])]);
}

#[test]
fn a_storm_of_files_with_names_of_their_own() {
    let mut script = Script::new();
    let make = call("path_create_directory", &[ROOT, BYTES, 200]);
    script.code("(memory.fill (i32.const 1024) (i32.const 65) (i32.const 200))");
    script.code(&format!(
        "(loop $more
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (i32.store8 (i32.const 1024) (i32.or (i32.const 64) (i32.and (local.get $i) (i32.const 31))))
            (i32.store8 (i32.const 1025) (i32.or (i32.const 64) (i32.and (i32.shr_u (local.get $i) (i32.const 5)) (i32.const 31))))
            (i32.store8 (i32.const 1026) (i32.or (i32.const 64) (i32.and (i32.shr_u (local.get $i) (i32.const 10)) (i32.const 31))))
            (drop {make}) (br $more))"
    ));
    endless(&script.module(), &given(&[]));
}

#[test]
fn a_storm_of_sizes() {
    let mut script = Script::new();
    script.open("f", 0, FILE_RIGHTS, 0);
    let calls = [4_000_000, 0].map(|size| call("fd_filestat_set_size", &[4, size]));
    storm(&mut script, &calls);
}

#[test]
fn a_storm_of_lists() {
    let mut script = Script::new();
    for index in 0..200 {
        script.path("path_create_directory", &format!("folder {index}"), 0);
    }
    storm(&mut script, &[call("fd_readdir", &[ROOT, BYTES, 200_000, 0, ANSWER])]);
}

#[test]
fn a_storm_of_moves_deep_in_folders() {
    let mut script = Script::new();
    let deep = vec!["d"; 300].join("/");
    for depth in 0..300 {
        script.path("path_create_directory", &deep[..=2 * depth], 0);
    }
    let ((old, old_bytes), (new, new_bytes)) =
        (script.text(format!("{deep}/a")), script.text(format!("{deep}/b")));
    script.path("path_create_directory", &format!("{deep}/a"), 0);
    storm(
        &mut script,
        &[
            call("path_rename", &[ROOT, old, old_bytes, ROOT, new, new_bytes]),
            call("path_rename", &[ROOT, new, new_bytes, ROOT, old, old_bytes]),
        ],
    );
}

#[test]
fn a_storm_of_reads_and_writes() {
    let mut script = Script::new();
    script.open("f", 0, FILE_RIGHTS, 0).buffer(0, 262_144);
    storm(
        &mut script,
        &[
            call("fd_pwrite", &[4, Script::buffer_at(), 1, 0, ANSWER]),
            call("fd_pread", &[4, Script::buffer_at(), 1, 0, ANSWER]),
        ],
    );
}

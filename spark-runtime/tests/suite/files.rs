//! The folder that a run is given: what may be done there, and what may not.

use spark_runtime::{
    Call, DESCRIPTORS_MAX, Limits, NAME_BYTES_MAX, NODES_MAX, PATH_BYTES_MAX, PATH_LINKS_MAX, Stop,
    files::{FILES_BYTES_MAX, File, Given},
    wire,
};

use crate::{
    guests::{command, run, still},
    host::test,
    script::{
        ALL_RIGHTS, ANSWER, BADF, BYTES, CREATE, EXCLUSIVE, EXIST, FILE_RIGHTS, FOLDER,
        FOLDER_RIGHTS, ILSEQ, INVAL, ISDIR, LOOP, MFILE, NAMETOOLONG, NOENT, NOSPC, NOTCAPABLE,
        NOTDIR, NOTEMPTY, PERM, ROOT, Script, TRUNCATE, call, given, left,
    },
};

const POEM: &str = "sieben und acht";

#[test]
fn a_given_file_is_read_from_any_place() {
    let mut script = Script::new();
    script.open("a/poem", 0, FILE_RIGHTS, 0).expect_count(4);
    script.read(4, 6).read(4, 100).read(4, 100);
    script.call("fd_seek", &[4, -4, 2, ANSWER], 0).expect(ANSWER, 11).read(4, 100);
    script.call("fd_seek", &[4, -16, 2, ANSWER], INVAL);
    script.call("fd_seek", &[4, 0, 3, ANSWER], INVAL);
    script.call("fd_seek", &[4, i64::MAX, 1, ANSWER], INVAL);
    script
        .call("fd_seek", &[4, 7, 0, ANSWER], 0)
        .call("fd_tell", &[4, ANSWER], 0)
        .expect(ANSWER, 7);
    script.buffer(BYTES, 3).call("fd_pread", &[4, Script::buffer_at(), 1, 7, ANSWER], 0);
    script.print_answer(BYTES).call("fd_tell", &[4, ANSWER], 0).expect(ANSWER, 7);
    script.call("fd_advise", &[4, 0, 5, 3], 0).call("fd_advise", &[4, 0, 5, 6], INVAL);
    script.call("fd_sync", &[4], 0).call("fd_datasync", &[4], 0).call("fd_sync", &[5], BADF);
    script.call("fd_close", &[4], 0).call("fd_close", &[4], BADF);
    assert_eq!(script.output(&[("a/poem", POEM)]), "[sieben][ und acht][][acht][und]");
}

#[test]
fn what_is_written_stands_and_is_given_back() {
    let mut script = Script::new();
    script.open("new", CREATE, FILE_RIGHTS, 0).write(4, "one").write(4, "two");
    script.open("old", 0, FILE_RIGHTS, 0).write(5, "O");
    script.open("cut", TRUNCATE, FILE_RIGHTS, 0);
    script.path("path_create_directory", "deep", 0);
    script.open("deep/hole", CREATE | EXCLUSIVE, FILE_RIGHTS, 0);
    let (at, bytes) = script.text("end");
    script.buffer(at, bytes).call("fd_pwrite", &[7, Script::buffer_at(), 1, 2, ANSWER], 0);
    script.call("fd_tell", &[7, ANSWER], 0).expect(ANSWER, 0);
    script.open("new", CREATE | EXCLUSIVE, FILE_RIGHTS, EXIST);
    script.open("moved", 0, FILE_RIGHTS, 0).two("path_rename", "moved", "deep/there", 0);
    let report = script.run(&[("old", "old"), ("cut", "cut"), ("same", "same"), ("moved", "m")]);
    assert_eq!(report.stop, None);
    let expected = [
        ("cut", ""),
        ("deep/hole", "\0\0end"),
        ("deep/there", "m"),
        ("new", "onetwo"),
        ("old", "Old"),
    ];
    assert_eq!(left(&report), expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
}

#[test]
fn appending_writes_at_the_end_wherever_the_place_is() {
    let mut script = Script::new();
    let (at, bytes) = script.text("log");
    let rights = FILE_RIGHTS;
    script.call("path_open", &[ROOT, 0, at, bytes, 0, rights, 0, 1, ANSWER], 0);
    script.write(4, "c").call("fd_seek", &[4, 0, 0, ANSWER], 0).write(4, "d");
    script.call("fd_tell", &[4, ANSWER], 0).expect(ANSWER, 4);
    script.call("fd_fdstat_set_flags", &[4, 0], 0).call("fd_fdstat_set_flags", &[4, 32], INVAL);
    script.call("fd_seek", &[4, 0, 0, ANSWER], 0).write(4, "A");
    assert_eq!(left(&script.run(&[("log", "ab")]))[0].1, "Abcd");
}

#[test]
fn sizes_are_set_and_shown() {
    let mut script = Script::new();
    script.open("file", 0, FILE_RIGHTS, 0);
    script.call("fd_filestat_get", &[4, BYTES], 0).expect(BYTES + 32, 4).expect(BYTES + 24, 1);
    script.call("fd_filestat_set_size", &[4, 2], 0).call("fd_allocate", &[4, 4, 4], 0);
    script.call("fd_allocate", &[4, 0, 3], 0).call("fd_allocate", &[4, 0, 0], INVAL);
    script.call("fd_allocate", &[4, -1, 2], INVAL);
    let (at, bytes) = script.text("file");
    script.call("path_filestat_get", &[ROOT, 0, at, bytes, BYTES], 0).expect(BYTES + 32, 8);
    script.call("path_filestat_get", &[ROOT, 2, at, bytes, BYTES], INVAL);
    script.call("fd_filestat_set_size", &[1, 2], NOTCAPABLE);
    assert_eq!(left(&script.run(&[("file", "text")]))[0].1, "te\0\0\0\0\0\0");
}

#[test]
fn times_are_the_virtual_clocks_and_can_be_set() {
    let mut script = Script::new();
    script.open("file", CREATE, FILE_RIGHTS, 0);
    let (at, bytes) = script.text("file");
    script.call("fd_filestat_set_times", &[4, 7, 8, 1 | 4], 0);
    script.call("fd_filestat_get", &[4, BYTES], 0).expect(BYTES + 40, 7).expect(BYTES + 48, 8);
    script.call("path_filestat_set_times", &[ROOT, 0, at, bytes, 9, 9, 1], 0);
    script.call("fd_filestat_get", &[4, BYTES], 0).expect(BYTES + 40, 9).expect(BYTES + 48, 8);
    for (which, errno) in [(3, INVAL), (12, INVAL), (16, INVAL), (8, 0)] {
        script.call("fd_filestat_set_times", &[4, 0, 0, which], errno);
    }
    // What now is, is later than when time began, and by less than a second.
    script.call("fd_filestat_get", &[4, BYTES], 0);
    script.code(&format!(
        "(i64.store (i32.const {BYTES}) (i64.div_u (i64.load (i32.const {})) (i64.const 1000000000)))",
        BYTES + 48
    ));
    script.expect(BYTES, 1_735_689_600);
    assert_eq!(script.run(&[]).stop, None);
}

#[test]
fn a_folder_lists_what_it_holds_from_any_cookie() {
    let mut script = Script::new();
    script.path("path_create_directory", "d", 0).symlink("a", "l", 0);
    script.call("fd_readdir", &[ROOT, BYTES, 4096, 0, ANSWER], 0).expect_count(24 * 5 + 1 + 2 + 3);
    // The kind of each, behind 24 bytes and the name of the one before.
    for (at, kind) in [(20, 3), (45, 3), (71, 4), (96, 3), (121, 7)] {
        script.code(&format!(
            "(call $expect (i32.load8_u (i32.const {})) (i32.const {kind}) (i32.const {at}))",
            BYTES + at
        ));
    }
    // The first entry says where the second begins; a short buffer cuts the last.
    script.expect(BYTES, 1).call("fd_readdir", &[ROOT, BYTES, 30, 1, ANSWER], 0).expect_count(30);
    script.call("fd_readdir", &[ROOT, BYTES, 30, i64::MAX, ANSWER], 0).expect_count(0);
    // What was read stays read when names before it go.
    script.call("fd_readdir", &[ROOT, BYTES, 4096, 2, ANSWER], 0);
    script.code(&format!("(i64.store (i32.const 512) (i64.load (i32.const {BYTES})))"));
    script.path("path_unlink_file", "a", 0);
    script.code(&format!(
        "(drop (call $fd_readdir (i32.const 3) (i32.const {BYTES}) (i32.const 4096)
            (i64.load (i32.const 512)) (i32.const {ANSWER})))"
    ));
    script.expect_count(50).open("d", FOLDER, 0, 0).call(
        "fd_readdir",
        &[4, 0, 9, 0, ANSWER],
        NOTCAPABLE,
    );
    script.call("fd_readdir", &[0, 0, 9, 0, ANSWER], NOTDIR);
    assert_eq!(script.run(&[("a", "")]).stop, None);
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let mut script = Script::new();
    script.path("path_create_directory", "d", 0);
    for path in ["..", "../x", "/", "/d", "d/../..", "d/../../d", "./.././d"] {
        for how in [0, CREATE, FOLDER] {
            script.open(path, how, 0, NOTCAPABLE);
        }
        script.path("path_create_directory", path, NOTCAPABLE);
        script.path("path_unlink_file", path, NOTCAPABLE);
        script.path("path_remove_directory", path, NOTCAPABLE);
        script.two("path_rename", path, "d/y", NOTCAPABLE).two(
            "path_rename",
            "d",
            path,
            NOTCAPABLE,
        );
        script.two("path_link", path, "d/y", NOTCAPABLE).two("path_link", "d", path, NOTCAPABLE);
        script.symlink("x", path, NOTCAPABLE);
    }
    // A folder that is opened is no way back to the one that it is in.
    script.open("d", FOLDER, FOLDER_RIGHTS, 0);
    let (at, bytes) = script.text("..");
    script.call("path_open", &[4, 0, at, bytes, 0, 0, 0, 0, ANSWER], NOTCAPABLE);
    // Nor is what a symbolic link says.
    script.symlink("/d", "out", PERM).symlink("../..", "d/up", 0).symlink("d/up/x", "up", 0);
    script.open("d/up", 0, 0, NOTCAPABLE).open("up", 0, 0, NOTCAPABLE);
    script.open("d/up/d", CREATE, 0, NOTCAPABLE);
    // Within, it is followed.
    script.symlink("../d", "d/self", 0).open("d/self/self/self/new", CREATE, 0, 0);
    script.open("d/new", 0, 0, 0).open("./d//./new", 0, 0, 0).open("d/../d/new", 0, 0, 0);
    assert_eq!(script.run(&[]).stop, None);
}

#[test]
fn links_are_followed_so_far_and_no_farther() {
    let mut script = Script::new();
    script
        .symlink("loop", "loop", 0)
        .open("loop", 0, 0, LOOP)
        .symlink("b", "a", 0)
        .symlink("a", "b", 0);
    script.open("a", 0, 0, LOOP).open("a/x", CREATE, 0, LOOP).open("file", CREATE, 0, 0);
    for index in 0..=PATH_LINKS_MAX {
        let target = if index == 0 { "file".to_owned() } else { format!("l{}", index - 1) };
        script.symlink(&target, &format!("l{index}"), 0);
    }
    script.open(&format!("l{}", PATH_LINKS_MAX - 1), 0, 0, 0);
    script.open(&format!("l{PATH_LINKS_MAX}"), 0, 0, LOOP);
    // A link that is not followed is no file; it is made, moved and removed by itself.
    let (at, bytes) = script.text("l0");
    script.call("path_open", &[ROOT, 0, at, bytes, 0, 0, 0, 0, ANSWER], LOOP);
    script.call("path_filestat_get", &[ROOT, 0, at, bytes, BYTES], 0).expect(BYTES + 32, 4);
    script.call("path_readlink", &[ROOT, at, bytes, BYTES, 3, ANSWER], 0).print_answer(BYTES);
    let (file, file_bytes) = script.text("file");
    script.call("path_readlink", &[ROOT, file, file_bytes, BYTES, 3, ANSWER], INVAL);
    script.two("path_rename", "l0", "m", 0).path("path_unlink_file", "m", 0).open("file", 0, 0, 0);
    // What a dangling link names is made there.
    script.symlink("target", "dangling", 0).open("dangling", CREATE | EXCLUSIVE, 0, EXIST);
    script.open("dangling", 0, 0, NOENT).open("dangling", CREATE, 0, 0).open("target", 0, 0, 0);
    assert_eq!(script.output(&[]), "[fil]");
}

#[test]
fn a_file_has_many_names_and_lives_while_it_is_open() {
    let mut script = Script::new();
    script.two("path_link", "a", "b", 0).two("path_link", "a", "b", EXIST);
    script.open("b", 0, FILE_RIGHTS, 0).write(4, "T");
    script.call("fd_filestat_get", &[4, BYTES], 0).expect(BYTES + 24, 2);
    script.path("path_unlink_file", "a", 0).path("path_unlink_file", "b", 0);
    script.path("path_unlink_file", "b", NOENT).open("b", 0, 0, NOENT);
    script.call("fd_filestat_get", &[4, BYTES], 0).expect(BYTES + 24, 0);
    script.call("fd_seek", &[4, 0, 0, ANSWER], 0).read(4, 9);
    // A folder that was removed while it is open stays empty.
    script.path("path_create_directory", "d", 0).open("d", FOLDER, FOLDER_RIGHTS, 0);
    script.path("path_remove_directory", "d", 0);
    let (at, bytes) = script.text("x");
    script.call("path_create_directory", &[5, at, bytes], NOENT);
    script.call("path_open", &[5, 0, at, bytes, CREATE, 0, 0, 0, ANSWER], NOENT);
    script.call("path_symlink", &[at, bytes, 5, at, bytes], NOENT);
    script.call("fd_readdir", &[5, BYTES, 4096, 0, ANSWER], 0).expect_count(51);
    assert_eq!(script.output(&[("a", "text")]), "[Text]");
}

#[test]
fn names_are_moved_and_removed_by_the_rules() {
    let mut script = Script::new();
    for folder in ["d", "d/e", "full", "full/x"] {
        script.path("path_create_directory", folder, 0);
    }
    script.path("path_create_directory", "d", EXIST).path("path_create_directory", ".", EXIST);
    script.path("path_create_directory", "none/x", NOENT).path(
        "path_create_directory",
        "f/x",
        NOTDIR,
    );
    script.path("path_unlink_file", "d", ISDIR).path("path_unlink_file", "f/", NOTDIR);
    script.path("path_remove_directory", "f", NOTDIR).path("path_remove_directory", "d", NOTEMPTY);
    script.path("path_remove_directory", "none", NOENT).path(
        "path_remove_directory",
        ".",
        NOTEMPTY,
    );
    script.two("path_rename", "d", "d/e/in", INVAL).two("path_rename", "d", "d", 0);
    script.two("path_rename", "d/e", "full", NOTEMPTY).two("path_rename", "d/e", "f", NOTDIR);
    script.two("path_rename", "f", "d", ISDIR).two("path_rename", "f", "none/", NOTDIR);
    script.two("path_rename", "none", "x", NOENT).two("path_rename", "full/x", "d/e", 0);
    script.two("path_rename", "f", "g", 0).open("f", 0, 0, NOENT).two("path_rename", "d/", "h/", 0);
    script.two("path_link", "h", "i", PERM).two("path_link", "g", "i/", NOENT);
    script.path("path_remove_directory", "h/e/", 0).path("path_remove_directory", "h", 0);
    script.open("g/", 0, 0, NOTDIR).open("g/x", 0, 0, NOTDIR).open("full/", 0, 0, 0);
    script
        .open("full", CREATE, 0, ISDIR)
        .open("full", 0, 1 << 6, ISDIR)
        .open("new/", CREATE, 0, ISDIR);
    script
        .open("g", FOLDER, 0, NOTDIR)
        .open("none", FOLDER | CREATE, 0, INVAL)
        .open("g", 16, 0, INVAL);
    let report = script.run(&[("f", "old"), ("g", "replaced")]);
    assert_eq!(report.stop, None);
    assert_eq!(left(&report), [("g".to_owned(), "old".to_owned())]);
}

#[test]
fn names_are_text_of_a_bounded_length() {
    let mut script = Script::new();
    let name = "n".repeat(NAME_BYTES_MAX);
    script.open(&name, CREATE, 0, 0).open(&format!("{name}n"), CREATE, 0, NAMETOOLONG);
    script.open("", 0, 0, NOENT).open("a\0b", CREATE, 0, INVAL);
    let (at, bytes) = script.text(b"\xff\xfe");
    script.call("path_create_directory", &[ROOT, at, bytes], ILSEQ);
    let path = "./".repeat(PATH_BYTES_MAX as usize / 2);
    script.open(&path, 0, 0, 0).open(&format!("{path}/"), 0, 0, NAMETOOLONG);
    // A few links that lead far: no more names are walked than one path may have.
    script.path("path_create_directory", "d", 0).symlink(&"d/../".repeat(800), "far", 0);
    script.open("far/far", 0, 0, 0).open("far/far/far", 0, 0, NAMETOOLONG);
    assert_eq!(script.run(&[]).stop, None);
}

#[test]
fn rights_are_handed_on_and_given_up_and_never_gained() {
    let mut script = Script::new();
    let read = 1 << 1;
    script.open("f", 0, read, 0).read(4, 9);
    let (at, bytes) = script.text("x");
    script.buffer(at, bytes).call("fd_write", &[4, Script::buffer_at(), 1, ANSWER], NOTCAPABLE);
    script.call("fd_seek", &[4, 1, 0, ANSWER], NOTCAPABLE).call(
        "fd_tell",
        &[4, ANSWER],
        NOTCAPABLE,
    );
    script.call("fd_pread", &[4, Script::buffer_at(), 1, 0, ANSWER], NOTCAPABLE);
    script.call("fd_allocate", &[4, 0, 1], NOTCAPABLE).call("fd_advise", &[4, 0, 1, 0], NOTCAPABLE);
    script.call("fd_filestat_get", &[4, BYTES], NOTCAPABLE).call("fd_sync", &[4], NOTCAPABLE);
    script.call("fd_filestat_set_size", &[4, 0], NOTCAPABLE);
    script.call("fd_filestat_set_times", &[4, 0, 0, 0], NOTCAPABLE);
    script.call("fd_fdstat_set_flags", &[4, 0], NOTCAPABLE);
    script.call("fd_fdstat_set_rights", &[4, read | 1, 0], NOTCAPABLE);
    script.call("fd_fdstat_set_rights", &[4, 0, 0], 0);
    script.call("fd_read", &[4, Script::buffer_at(), 1, ANSWER], NOTCAPABLE);
    // What has no meaning for a file is left out, and of a folder for a folder.
    script.open("f", 0, ALL_RIGHTS, 0).call("fd_fdstat_get", &[5, BYTES], 0);
    script.expect(BYTES + 8, FILE_RIGHTS).expect(BYTES + 16, 0);
    script.call("fd_fdstat_get", &[ROOT, BYTES], 0);
    script.expect(BYTES, 3).expect(BYTES + 8, FOLDER_RIGHTS).expect(BYTES + 16, ALL_RIGHTS);
    // A folder hands on what it was opened with.
    script.path("path_create_directory", "d", 0).open("d", FOLDER, 1 << 13 | read, 0);
    for (how, rights, errno) in [
        (0, read, NOENT),
        (0, 1 << 6, NOTCAPABLE),
        (CREATE, 0, NOTCAPABLE),
        (TRUNCATE, 0, NOTCAPABLE),
    ] {
        let arguments = [6, 0, at, bytes, how, rights, 0, 0, ANSWER];
        script.call("path_open", &arguments, errno);
    }
    script.call("path_create_directory", &[6, at, bytes], NOTCAPABLE);
    script.call("path_unlink_file", &[6, at, bytes], NOTCAPABLE);
    script.call("path_remove_directory", &[6, at, bytes], NOTCAPABLE);
    script.call("path_symlink", &[at, bytes, 6, at, bytes], NOTCAPABLE);
    script.call("path_readlink", &[6, at, bytes, BYTES, 1, ANSWER], NOTCAPABLE);
    script.call("path_filestat_get", &[6, 0, at, bytes, BYTES], NOTCAPABLE);
    script.call("path_filestat_set_times", &[6, 0, at, bytes, 0, 0, 0], NOTCAPABLE);
    script.call("path_link", &[6, 0, at, bytes, ROOT, at, bytes], NOTCAPABLE);
    script.call("path_rename", &[6, at, bytes, ROOT, at, bytes], NOTCAPABLE);
    script.call("fd_readdir", &[6, BYTES, 64, 0, ANSWER], NOTCAPABLE);
    // A file is no folder, whatever it may.
    script.call("path_open", &[5, 0, at, bytes, 0, 0, 0, 0, ANSWER], NOTDIR);
    assert_eq!(script.output(&[("f", "text")]), "[text]");
}

#[test]
fn descriptors_are_the_lowest_numbers_and_can_be_moved() {
    let mut script = Script::new();
    script.open("a", 0, FILE_RIGHTS, 0).open("b", 0, FILE_RIGHTS, 0).expect_count(5);
    script.call("fd_renumber", &[5, 4], 0).read(4, 9).call("fd_tell", &[5, ANSWER], BADF);
    script.call("fd_renumber", &[4, 5], BADF).call("fd_renumber", &[5, 4], BADF);
    script.call("fd_renumber", &[4, 4], 0).open("a", 0, FILE_RIGHTS, 0).expect_count(5);
    // A file in the place of standard input, and of the folder.
    script.call("fd_renumber", &[5, 0], 0).read(0, 9).call("fd_renumber", &[4, ROOT], 0);
    script.call("fd_prestat_get", &[ROOT, BYTES], BADF).open("a", 0, 0, NOTDIR);
    assert_eq!(script.output(&[("a", "A"), ("b", "B")]), "[B][A]");
}

#[test]
fn the_folder_is_found_where_libraries_look_for_it() {
    let mut script = Script::new();
    script.call("fd_prestat_get", &[ROOT, BYTES], 0).expect(BYTES, 1 << 32);
    script.call("fd_prestat_dir_name", &[ROOT, BYTES, 0], NAMETOOLONG);
    script.call("fd_prestat_dir_name", &[ROOT, BYTES, 2], 0).buffer(BYTES, 1);
    script.call("fd_prestat_get", &[4, BYTES], BADF).call("fd_prestat_get", &[1, BYTES], BADF);
    script.call("fd_write", &[1, Script::buffer_at(), 1, ANSWER], 0);
    assert_eq!(script.output(&[]), "/");
    // Who is given no files has no folder.
    let mut script = Script::new();
    script.call("fd_prestat_get", &[ROOT, BYTES], BADF).open("a", CREATE, 0, BADF);
    assert_eq!(run(&script.module(), &command(&[], "")).stop, None);
}

#[test]
fn descriptors_are_bounded() {
    let mut script = Script::new();
    let (at, bytes) = script.text("f");
    let open = call("path_open", &[ROOT, 0, at, bytes, 0, 0, 0, 0, ANSWER]);
    script.code(&format!(
        "(loop $more
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.eqz {open})))"
    ));
    script.open("f", 0, 0, MFILE);
    script.code("(call $exit (local.get $i))");
    let code = i32::try_from(DESCRIPTORS_MAX).unwrap() - 3;
    assert_eq!(script.run(&[("f", "")]).stop, Some(Stop::Exit { code }));
}

#[test]
fn room_for_files_is_bounded_and_comes_back() {
    let mut script = Script::new();
    script.open("f", CREATE, FILE_RIGHTS, 0);
    let most = i64::try_from(FILES_BYTES_MAX).unwrap();
    script.call("fd_filestat_set_size", &[4, most], NOSPC).call(
        "fd_allocate",
        &[4, most, 1],
        NOSPC,
    );
    script.call("fd_filestat_set_size", &[4, -1], NOSPC);
    script.call("fd_filestat_set_size", &[4, most - 500], 0).path("path_create_directory", "d", 0);
    script
        .path("path_create_directory", "e", NOSPC)
        .open("e", CREATE, 0, NOSPC)
        .symlink("f", "e", NOSPC);
    let long = "n".repeat(250);
    script.two("path_link", "f", &long, NOSPC).two("path_rename", "f", &long, NOSPC);
    let (at, bytes) = script.text("more");
    script.buffer(at, bytes);
    script.call("fd_pwrite", &[4, Script::buffer_at(), 1, most, ANSWER], NOSPC);
    script.call("fd_pwrite", &[4, Script::buffer_at(), 1, -2, ANSWER], NOSPC);
    script.path("path_unlink_file", "f", 0).path("path_create_directory", "e", NOSPC);
    script.call("fd_close", &[4], 0).path("path_create_directory", "e", 0);
    let report = script.run_with(&[], &Limits::default());
    assert_eq!(report.stop, None);
    // A run with less memory has less room for files.
    let mut script = Script::new();
    script.open("f", CREATE, FILE_RIGHTS, 0).call("fd_filestat_set_size", &[4, 1 << 20], NOSPC);
    let little = Limits { memory_bytes_max: 1 << 20, ..Limits::default() };
    assert_eq!(script.run_with(&[], &little).stop, None);
}

#[test]
fn what_is_written_before_room_ends_is_told() {
    let mut script = Script::new();
    script.open("f", CREATE, FILE_RIGHTS, 0);
    // 5 blocks of 64 KiB where there is room for 4.
    script.buffer(0, 0).code("(i32.store (i32.const 20) (i32.const 262144))");
    script.code(
        "(i32.store (i32.const 24) (i32.const 0)) (i32.store (i32.const 28) (i32.const 65536))",
    );
    script.call("fd_write", &[4, Script::buffer_at(), 2, ANSWER], 0).expect_count(4 << 16);
    script.call("fd_write", &[4, Script::buffer_at(), 2, ANSWER], NOSPC);
    let little = Limits { memory_bytes_max: (4 << 16) + 30_000, ..Limits::default() };
    assert_eq!(script.run_with(&[], &little).stop, None);
}

#[test]
fn nodes_are_bounded() {
    let mut script = Script::new();
    // Names of four letters, each made of four bits of a counter.
    let letter = |index: i64| {
        format!(
            "(i32.store8 (i32.const {}) (i32.add (i32.const 65)
                (i32.and (i32.shr_u (local.get $i) (i32.const {})) (i32.const 15))))",
            BYTES + index,
            4 * index
        )
    };
    let letters = [0, 1, 2, 3].map(letter).concat();
    let make = call("path_create_directory", &[ROOT, BYTES, 4]);
    script.code(&format!(
        "(loop $more {letters}
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.eqz {make})))"
    ));
    script.path("path_create_directory", "another", NOSPC).code("(call $exit (local.get $i))");
    // The root is one of them.
    let code = i32::try_from(NODES_MAX).unwrap();
    assert_eq!(script.run(&[]).stop, Some(Stop::Exit { code }));
}

#[test]
fn files_that_are_left_count_as_output() {
    let mut script = Script::new();
    script.open("f", CREATE, FILE_RIGHTS, 0).call("fd_filestat_set_size", &[4, 1000], 0);
    let limits = |output_bytes_max| Limits { output_bytes_max, ..Limits::default() };
    let report = script.run_with(&[], &limits(1100));
    assert_eq!((report.stop.clone(), left(&report)[0].1.len()), (None, 1000));
    let report = script.run_with(&[], &limits(1000));
    assert_eq!(report.stop, Some(Stop::OutputLimit { bytes_max: 1000 }));
    assert!(report.files.is_empty());
    // Who does not ask for them is not held to it.
    let files = wire::encode(&Given { files: Vec::new(), are_wanted_back: false });
    let Call::Command { arguments, environment, stdin, .. } = command(&[], "") else { panic!() };
    let call = Call::Command { arguments, environment, stdin, files };
    let report = crate::guests::run_with(&script.module(), &call, &limits(0), still);
    assert_eq!((report.stop, report.files.len()), (None, 0));
}

#[test]
fn files_that_cannot_be_given_are_refused_by_their_number() {
    let module = Script::new().module();
    for paths in [
        ["a", ""],
        ["a", "/b"],
        ["a", "b/"],
        ["a", "../b"],
        ["a", "b/./c"],
        ["a", "b\0"],
        ["a", &"n".repeat(NAME_BYTES_MAX + 1)],
        ["a", &"n/".repeat(PATH_BYTES_MAX as usize)],
        ["a", "a"],
        ["a", "a/b"],
        ["a/b", "a"],
    ] {
        let stop = run(&module, &given(&paths.map(|path| (path, "")))).stop;
        let Some(Stop::WrongArgument { name, position: 2, .. }) = &stop else {
            panic!("{paths:?}: {stop:?}")
        };
        assert_eq!(name, "files");
    }
    let large = "x".repeat(1 << 20);
    let limits = Limits { memory_bytes_max: 1 << 20, ..Limits::default() };
    let stop = Script::new().run_with(&[("large", &large)], &limits).stop;
    assert!(matches!(stop, Some(Stop::WrongArgument { position: 1, .. })), "{stop:?}");
    let call = Call::Command {
        arguments: Vec::new(),
        environment: Vec::new(),
        stdin: Vec::new(),
        files: b"text".to_vec(),
    };
    assert!(matches!(run(&module, &call).stop, Some(Stop::WrongArgument { .. })));
    assert_eq!(wire::decode::<Vec<File>>(b"text"), None);
}

//! Tests the walk.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics fails")]

mod common;

use std::fs;
use std::os::unix::ffi::OsStrExt;

use common::{TempDir, c_string, is_same, options, texts, walk, walk_with};
use fdkit::{FileType, Step, Walk, WalkOptions};

const TREE: &[&str] = &["a/b/c/", "a/b/f", "d/", "file", "link -> a", "dangling -> nothing"];

#[test]
fn visits_each_directory_before_its_entries() {
    let top = TempDir::with(TREE);
    let visited = walk(&top, WalkOptions::default()).visited;
    let at = |name: &str| visited.iter().position(|path| path == name).unwrap();
    assert_eq!(visited.len(), 5);
    assert!(at("") < at("a") && at("a") < at("a/b") && at("a/b") < at("a/b/c") && at("") < at("d"));
}

#[test]
fn visits_each_directory_after_its_entries() {
    let top = TempDir::with(TREE);
    let visited = walk(&top, options(false, false, 128)).visited;
    let at = |name: &str| visited.iter().position(|path| path == name).unwrap();
    assert_eq!(visited.len(), 5);
    assert!(at("") > at("a") && at("a") > at("a/b") && at("a/b") > at("a/b/c") && at("") > at("d"));
}

#[test]
fn names_have_types() {
    let top = TempDir::with(TREE);
    let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default());
    assert_eq!(walk.step(), Ok(Some(Step::Directory)));
    let mut dirnames: Vec<_> = walk.dirnames().iter().collect();
    let mut filenames: Vec<_> = walk.filenames().iter().collect();
    dirnames.sort_by_key(|&(name, _)| name);
    filenames.sort_by_key(|&(name, _)| name);
    let directory = FileType::Directory;
    assert_eq!(dirnames, [(c"a", directory), (c"d", directory), (c"link", FileType::SymbolicLink)]);
    assert_eq!(filenames, [(c"dangling", FileType::SymbolicLink), (c"file", FileType::File)]);
}

#[test]
fn opens_nothing_before_the_first_step() {
    let top = TempDir::new();
    let late = c_string(top.at("late").as_os_str().as_bytes());
    let mut walk = Walk::new(&late, None, WalkOptions::default());
    assert!(walk.fd().is_none() && walk.dirnames().is_empty() && walk.filenames().is_empty());
    fs::create_dir(top.at("late")).unwrap();
    assert_eq!(walk.step(), Ok(Some(Step::Directory)));
}

#[test]
fn an_error_at_the_top_ends_the_walk() {
    let top = TempDir::new();
    let missing = c_string(top.at("missing").as_os_str().as_bytes());
    let mut walk = Walk::new(&missing, None, WalkOptions::default());
    let error = walk.step().unwrap_err();
    assert_eq!((error.errno(), error.syscall()), (libc::ENOENT, "openat"));
    assert_eq!(walk.path(), top.at("missing"));
    assert_eq!(walk.step(), Ok(None));
}

#[test]
fn a_top_that_is_not_a_directory_is_skipped() {
    let top = TempDir::with(TREE);
    for name in ["file", "link", "dangling"] {
        let path = c_string(top.at(name).as_os_str().as_bytes());
        let mut walk = Walk::new(&path, None, WalkOptions::default());
        let step = walk.step().unwrap();
        let is_refused = |step| match step {
            Some(Step::Skipped(error)) => matches!(error.errno(), libc::ENOTDIR | libc::ELOOP),
            _ => false,
        };
        assert!(is_refused(step), "{name}: {step:?}");
        assert_eq!(walk.path(), top.at(name));
        assert_eq!(walk.step(), Ok(None));
    }
}

#[test]
fn a_relative_top_starts_at_the_descriptor() {
    use std::os::fd::AsFd;
    let top = TempDir::with(TREE);
    let start = fs::File::open(top.path()).unwrap();
    let mut walk = Walk::new(c"a", Some(start.as_fd()), WalkOptions::default());
    let mut paths = Vec::new();
    while walk.step().unwrap().is_some() {
        paths.push(walk.path().to_str().unwrap().to_owned());
    }
    assert_eq!(paths, ["a", "a/b", "a/b/c"]);
}

#[test]
fn edited_dirnames_are_visited() {
    let top = TempDir::with(&["a/x/", "b/", "c/", "new/", "file"]);
    let seen = walk_with(&top, WalkOptions::default(), |walk, path| {
        if path.is_empty() {
            let names: [&[u8]; 6] = [b"c", b"a", b"c", b"new", b"file", b"missing"];
            walk.set_dirnames(names).unwrap();
            assert_eq!(texts(walk.dirnames()), ["c", "a", "c", "new", "file", "missing"]);
        }
    });
    assert_eq!(seen.visited, ["", "c", "a", "a/x", "c", "new"]);
    let skipped = [(libc::ENOTDIR, "file".to_owned()), (libc::ENOENT, "missing".to_owned())];
    assert_eq!(seen.skipped, skipped);
}

#[test]
fn dirnames_that_are_not_single_components_are_refused() {
    let top = TempDir::with(&["a/"]);
    let names: [&[u8]; 8] = [b"", b".", b"..", b"/", b"a/b", b"../a", b"a/", b"a\0"];
    for name in names {
        let seen = walk_with(&top, WalkOptions::default(), |walk, _| {
            let error = walk.set_dirnames([b"a".as_slice(), name]).unwrap_err();
            assert_eq!(error.errno(), libc::EINVAL);
        });
        assert_eq!(seen.visited, ["", "a"], "refused names change nothing");
    }
}

#[test]
fn edited_dirnames_have_no_effect_bottom_up() {
    let top = TempDir::with(TREE);
    let expected = walk(&top, options(false, false, 128));
    let seen = walk_with(&top, options(false, false, 128), |walk, _| {
        walk.set_dirnames([b"..".as_slice()]).unwrap();
    });
    assert_eq!(seen, expected);
}

#[test]
fn links_are_followed_if_asked_and_loops_are_not() {
    let top = TempDir::with(&["a/b/", "a/b/up -> ../..", "a/here -> .", "side -> a"]);
    let plain = walk(&top, WalkOptions::default()).sorted();
    assert_eq!(plain.visited, ["", "a", "a/b"]);
    assert_eq!(plain.skipped, []);
    for topdown in [true, false] {
        let followed = walk(&top, options(topdown, true, 128)).sorted();
        assert_eq!(followed.visited, ["", "a", "a/b", "side", "side/b"]);
        let loops = ["a/b/up", "a/here", "side/b/up", "side/here"];
        assert_eq!(followed.skipped, loops.map(|path| (libc::ELOOP, path.to_owned())));
    }
}

#[test]
fn the_new_names_of_each_step_form_the_path() {
    let top = TempDir::with(&["a/b/c/", "a/d/e/", "f/", "gone/"]);
    for topdown in [true, false] {
        for is_asked_each_time in [true, false] {
            let mut steps = 0;
            let mut names: Vec<Vec<u8>> = Vec::new();
            let mut walk = Walk::new(&top.c_path(), None, options(topdown, false, 4));
            while walk.step().unwrap().is_some() {
                steps += 1;
                if steps == 1 && topdown {
                    fs::remove_dir(top.at("gone")).unwrap();
                }
                // A caller that skips steps gets all names that are new since its last query.
                if !is_asked_each_time && steps % 3 != 0 {
                    continue;
                }
                names.truncate(walk.kept());
                let new = walk.take_new_names();
                let announced = new.len();
                let before = names.len();
                names.extend(new.map(<[u8]>::to_vec));
                assert_eq!(names.len(), before + announced);
                assert_eq!(walk.kept(), names.len());
                let joined = names.iter().fold(top.path().to_owned(), |path, name| {
                    path.join(std::ffi::OsStr::from_bytes(name))
                });
                assert_eq!(walk.path(), joined);
            }
            assert!(steps >= 7);
            fs::create_dir_all(top.at("gone")).unwrap();
        }
    }
}

#[test]
fn a_walk_can_move_to_another_thread_between_steps() {
    let top = TempDir::with(TREE);
    let mut walk = Walk::new(&top.c_path(), None, options(true, false, 4));
    let mut steps = 0;
    loop {
        let (moved, step) = std::thread::spawn(move || {
            let step = walk.step().unwrap();
            (walk, step)
        })
        .join()
        .unwrap();
        walk = moved;
        match step {
            Some(_) => steps += 1,
            None => break,
        }
        assert!(is_same(walk.fd().unwrap(), walk.path()));
    }
    assert_eq!(steps, 5);
}

#[test]
fn close_ends_the_walk() {
    let top = TempDir::with(TREE);
    let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default());
    walk.step().unwrap();
    walk.close();
    assert!(walk.fd().is_none());
    assert_eq!(walk.step(), Ok(None));
}

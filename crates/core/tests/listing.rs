//! Tests listing directories.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics fails")]

mod common;

use std::fs;
use std::io::{Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use common::{TempDir, c_string, texts};
use fdkit::files::listing::{listdir, listdir_fd};

fn sorted(names: &fdkit::Names) -> Vec<String> {
    let mut names = texts(names);
    names.sort();
    names
}

#[test]
fn lists_all_names_except_the_dots() {
    let top = TempDir::with(&["dir/", "file", ".hidden", "link -> nowhere"]);
    let names = listdir(None, &top.c_path()).unwrap();
    assert_eq!(sorted(&names), [".hidden", "dir", "file", "link"]);
    assert!(listdir(None, &c_string(top.at("dir").as_os_str().as_bytes())).unwrap().is_empty());
}

#[test]
fn a_relative_path_starts_at_the_descriptor() {
    let top = TempDir::with(&["dir/a", "dir/b"]);
    let start = fs::File::open(top.path()).unwrap();
    assert_eq!(sorted(&listdir(Some(start.as_fd()), c"dir").unwrap()), ["a", "b"]);
}

#[test]
fn links_are_followed() {
    let top = TempDir::with(&["dir/a", "link -> dir"]);
    let start = fs::File::open(top.path()).unwrap();
    assert_eq!(texts(&listdir(Some(start.as_fd()), c"link").unwrap()), ["a"]);
}

#[test]
fn errors_name_the_failed_call() {
    let top = TempDir::with(&["file"]);
    let start = fs::File::open(top.path()).unwrap();
    let errno = |name| listdir(Some(start.as_fd()), name).unwrap_err().errno();
    assert_eq!(errno(c"missing"), libc::ENOENT);
    assert_eq!(errno(c"file"), libc::ENOTDIR);
    let file = fs::File::open(top.at("file")).unwrap();
    assert_eq!(listdir_fd(file.as_fd()).unwrap_err().errno(), libc::ENOTDIR);
}

#[test]
fn the_offset_of_a_descriptor_is_neither_used_nor_moved() {
    let top = TempDir::with(&["a", "b", "c"]);
    let mut dir = fs::File::open(top.path()).unwrap();
    let start = dir.stream_position().unwrap();
    for _ in 0..3 {
        assert_eq!(sorted(&listdir_fd(dir.as_fd()).unwrap()), ["a", "b", "c"]);
        assert_eq!(dir.stream_position().unwrap(), start);
    }
    // Some file systems refuse offsets that they did not return.
    if dir.seek(SeekFrom::Start(1)).is_ok() {
        assert_eq!(sorted(&listdir_fd(dir.as_fd()).unwrap()), ["a", "b", "c"]);
        assert_eq!(dir.stream_position().unwrap(), 1);
    }
}

#[test]
fn lists_more_names_than_one_call_returns() {
    let top = TempDir::new();
    let mut expected: Vec<_> = (0..3000).map(|index| format!("{index:0>200}")).collect();
    for name in &expected {
        top.add(name);
    }
    let names = listdir(None, &top.c_path()).unwrap();
    assert_eq!(names.len(), 3000);
    expected.sort();
    assert_eq!(sorted(&names), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn names_are_bytes() {
    use std::ffi::OsStr;

    let top = TempDir::new();
    let long = [0xff; 255];
    let names: [&[u8]; 4] = [b"\xff\xfe", b"new\nline", b"\xed\xb2\x80", &long];
    for name in names {
        fs::create_dir(top.path().join(OsStr::from_bytes(name))).unwrap();
    }
    let listed = listdir(None, &top.c_path()).unwrap();
    let mut listed: Vec<_> = listed.iter().map(|(name, _)| name.to_bytes().to_vec()).collect();
    let mut expected = names.map(<[u8]>::to_vec);
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}

//! A root, resolved by the kernel and component by component: both agree, and nothing leads out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]
#![cfg(target_os = "linux")]

mod common;

use std::ffi::{CStr, CString};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use common::{TempDir, c_string};
use fdkit::files::stat::fstat;
use fdkit::root::{Resolver, Root, RootOptions, Symlinks, WriteOptions, is_escape};

const TREE: &[&str] = &[
    "a/b/c/",
    "a/b/file",
    "a/file",
    "file",
    "d/",
    "here -> .",
    "up -> ..",
    "self -> self",
    "dangling -> nothing",
    "absolute -> /etc",
    "in -> a/b",
    "a/b/back -> ../../d",
    "a/b/out -> ../../../x",
    "slash -> a/b/",
    "a/filelink -> file",
    "chain -> in",
    "dirfile -> file/",
    "a/b/c/deep -> ../../file",
    "around -> ../root/a",
    "nested -> here/in/c",
];

#[cfg(target_os = "linux")]
const O_PATH: i32 = libc::O_PATH;
#[cfg(not(target_os = "linux"))]
const O_PATH: i32 = 0;

fn roots(top: &CStr, symlinks: Symlinks) -> [Root; 2] {
    [Resolver::Automatic, Resolver::Stepwise].map(|resolver| {
        let options = RootOptions { symlinks, resolver, ..RootOptions::default() };
        Root::open(top, None, options).unwrap()
    })
}

/// A small generator of random numbers, for tests that can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn path(&mut self) -> CString {
        const PARTS: &[&str] = &[
            "a", "b", "c", "d", "file", "here", "up", "self", "dangling", "absolute", "in", "back",
            "out", "slash", "chain", "dirfile", "deep", "around", "nested", "filelink", ".", "..",
            "", "new", "..", "\u{e9}", "...",
        ];
        let mut path = String::new();
        if self.below(40) == 0 {
            path.push('/');
        }
        for index in 0..=self.below(6) {
            if index > 0 {
                path.push('/');
            }
            path.push_str(PARTS[self.below(PARTS.len())]);
        }
        if self.below(5) == 0 {
            path.push('/');
        }
        CString::new(path).unwrap()
    }
}

type Outcome<T> = Result<T, (i32, bool)>;

fn outcome<T>(result: fdkit::Result<T>) -> Outcome<T> {
    result.map_err(|error| (error.errno(), is_escape(&error)))
}

#[test]
fn both_resolvers_agree_on_every_path() {
    let top = TempDir::with(&["root/", "x/"]);
    make_all(&top.path().join("root"));
    let top = path_of(&top.path().join("root"));
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for symlinks in [Symlinks::Beneath, Symlinks::Refuse] {
        let roots = roots(&top, symlinks);
        for _ in 0..60_000 {
            let path = random.path();
            let identity = |stat: fdkit::files::stat::Stat| (stat.dev, stat.ino);
            let flags = [libc::O_RDWR, libc::O_DIRECTORY, libc::O_NOFOLLOW, O_PATH]
                .map(|bit| if random.below(2) == 0 { bit } else { 0 })
                .iter()
                .fold(0, |all, bit| all | bit);
            let follow = random.below(2) == 0;
            let [kernel, stepwise] = [&roots[0], &roots[1]].map(|root| {
                (
                    outcome(root.stat(&path, follow)).map(identity),
                    outcome(root.open_file(&path, flags, 0).and_then(|fd| fstat(fd.as_fd())))
                        .map(identity),
                    outcome(root.read_link(&path)),
                )
            });
            assert_eq!(
                kernel, stepwise,
                "{path:?}, flags {flags:o}, follow {follow}, {symlinks:?}"
            );
        }
    }
}

#[test]
fn both_resolvers_agree_on_what_changes_names() {
    let top = TempDir::with(&["kernel/root/", "stepwise/root/", "kernel/x/", "stepwise/x/"]);
    let sides = ["kernel", "stepwise"].map(|side| {
        let path = top.path().join(side).join("root");
        make_all(&path);
        path
    });
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for symlinks in [Symlinks::Beneath, Symlinks::Refuse] {
        let kernel = &roots(&path_of(&sides[0]), symlinks)[0];
        let stepwise = &roots(&path_of(&sides[1]), symlinks)[1];
        for _ in 0..30_000 {
            let (path, other) = (random.path(), random.path());
            let action = random.below(8);
            let act = |root: &Root| match action {
                0 => root.mkdir(&path, 0o777),
                1 => root.unlink(&path),
                2 => root.rmdir(&path),
                3 => root.rename(&path, &other, 0),
                4 => root.symlink(&other, &path),
                5 => root.link(&path, &other),
                6 => root.open_file(&path, libc::O_CREAT | libc::O_WRONLY, 0o666).map(drop),
                _ => root
                    .open_file(&path, libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY, 0o666)
                    .map(drop),
            };
            assert_eq!(
                outcome(act(kernel)),
                outcome(act(stepwise)),
                "{action}: {path:?}, {other:?}"
            );
        }
        assert_eq!(drawing(&sides[0]), drawing(&sides[1]));
        assert_eq!(fs::read_dir(sides[0].join("../x")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(sides[1].join("../x")).unwrap().count(), 0);
    }
}

fn make_all(directory: &std::path::Path) {
    TREE.iter().for_each(|entry| common::make(directory, entry));
}

fn path_of(path: &std::path::Path) -> CString {
    c_string(path.as_os_str().as_encoded_bytes())
}

fn drawing(top: &std::path::Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut stack = vec![top.to_owned()];
    while let Some(directory) = stack.pop() {
        for entry in fs::read_dir(&directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let link = fs::read_link(&path).ok();
            lines.push(format!("{:?} {link:?}", path.strip_prefix(top).unwrap()));
            if entry.file_type().unwrap().is_dir() {
                stack.push(path);
            }
        }
    }
    lines.sort();
    lines
}

fn write_options(flags: i32, atomic: bool) -> WriteOptions {
    WriteOptions { flags: libc::O_WRONLY | libc::O_CREAT | flags, atomic, flush: true, mode: 0o640 }
}

#[test]
fn an_atomic_write_replaces_the_file_and_keeps_its_permissions() {
    let top = TempDir::with(&["file", "link -> file", "dir/"]);
    for root in &roots(&top.c_path(), Symlinks::Beneath) {
        root.chmod(c"file", 0o600).unwrap();
        let held = root.open_file(c"file", libc::O_RDONLY, 0).unwrap();
        root.write_file(c"link", b"new", write_options(0, true)).unwrap();
        assert_eq!(root.read_file(c"file", 0).unwrap(), b"new");
        assert_eq!(fs::metadata(top.at("file")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(top.at("link")).unwrap().is_symlink());
        // A reader of the old file keeps it.
        assert_ne!(fstat(held.as_fd()).unwrap().ino, root.stat(c"file", true).unwrap().ino);
        root.write_file(c"made", b"1", write_options(0, true)).unwrap();
        let taken = root.write_file(c"made", b"2", write_options(libc::O_EXCL, true)).unwrap_err();
        assert_eq!(taken.errno(), libc::EEXIST);
        root.unlink(c"made").unwrap();
        // A link to nothing: its target is created, as without `atomic`.
        root.symlink(c"later", c"dangling").unwrap();
        root.write_file(c"dangling", b"3", write_options(0, true)).unwrap();
        assert_eq!(root.read_file(c"later", 0).unwrap(), b"3");
        root.unlink(c"dangling").unwrap();
        root.unlink(c"later").unwrap();
        for (path, errno) in
            [(c"dir", libc::EISDIR), (c"file/", libc::EISDIR), (c"no/x", libc::ENOENT)]
        {
            let error = root.write_file(path, b"", write_options(0, true)).unwrap_err();
            assert_eq!(error.errno(), errno, "{path:?}");
        }
    }
    assert_eq!(fs::read_dir(top.path()).unwrap().count(), 3);
}

#[test]
fn an_atomic_write_removes_what_a_dead_process_left() {
    let top = TempDir::with(&["file", ".file.fdkit-new"]);
    let root = Root::open(&top.c_path(), None, RootOptions::default()).unwrap();
    root.write_file(c"file", b"new", write_options(0, true)).unwrap();
    assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1);
}

#[test]
fn atomic_writes_from_many_threads_leave_one_whole_file() {
    let top = TempDir::with(&["file"]);
    let path = top.c_path();
    std::thread::scope(|scope| {
        for writer in 0..4_u8 {
            let path = &path;
            scope.spawn(move || {
                let root = Root::open(path, None, RootOptions::default()).unwrap();
                for _ in 0..200 {
                    let options = WriteOptions { flush: false, ..write_options(0, true) };
                    root.write_file(c"file", &[writer; 10_000], options).unwrap();
                    let read = root.read_file(c"file", 0).unwrap();
                    assert!(read.len() == 10_000 && read.iter().all(|&byte| byte == read[0]));
                }
            });
        }
    });
    assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1);
}

#[test]
fn mkdir_all_makes_what_is_missing() {
    let top = TempDir::with(&["a/", "file", "link -> a"]);
    for (side, root) in roots(&top.c_path(), Symlinks::Beneath).iter().enumerate() {
        let path = |text: &str| CString::new(text.replace('N', &side.to_string())).unwrap();
        assert_eq!(root.mkdir_all(&path("a/xN/y/z/"), 0o777), Ok(Some(4)));
        assert_eq!(root.mkdir_all(&path("a/xN/y/z"), 0o777), Ok(None));
        assert_eq!(root.mkdir_all(&path("./link/./wN"), 0o777), Ok(Some(11)));
        assert!(top.at(format!("a/w{side}")).is_dir());
        let errno = |text: &str| root.mkdir_all(&path(text), 0o777).unwrap_err().errno();
        assert_eq!(errno("file"), libc::EEXIST);
        assert_eq!(errno("file/x"), libc::ENOTDIR);
        assert!(is_escape(&root.mkdir_all(c"a/../../x", 0o777).unwrap_err()));
        let made = root.mkdtemp(c"a/tmp-").unwrap();
        assert_eq!(made.to_bytes().len(), 12);
        let mode = root.stat(&made, false).unwrap().mode;
        assert_eq!(mode & 0o7777, 0o700);
    }
}

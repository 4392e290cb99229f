//! A walk with read-ahead and one without, over twin trees that are edited between steps, see
//! the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::ffi::{CString, OsStr};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::hooks;
use crate::constants::RENAME_EXCHANGE;
use crate::files::names::renameat2;
use crate::tree::walk::{Step, Walk, WalkOptions};

/// Xorshift: the same seed, the same edits.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn one_of<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Two trees that get the same edits.
struct Twins {
    place: PathBuf,
    tops: [PathBuf; 2],
    // As they were some edits ago.
    directories: Vec<PathBuf>,
}

impl Twins {
    fn new(base: &Path, seed: u64) -> Self {
        let place = base.join(format!("fdkit-twins-{}-{seed}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir(&place).unwrap();
        // A link to `..` leads out of the top, but not to the twin.
        let tops = [place.join("a/top"), place.join("b/top")];
        let mut twins = Self { place, tops, directories: vec![PathBuf::new()] };
        twins.both(|top| fs::create_dir_all(top).unwrap());
        let mut random = Random(seed | 1);
        for _ in 0..150 {
            let above = random.one_of(&twins.directories).clone();
            let name = random.below(1000);
            twins.directories.push(above.join(format!("d{name}")));
            twins.both(|top| {
                let path = top.join(&above);
                let _ = fs::create_dir(path.join(format!("d{name}")));
                let _ = fs::write(path.join(format!("f{name}")), "");
                if name.is_multiple_of(8) {
                    let _ = symlink(format!("../d{}", name / 8), path.join(format!("l{name}")));
                }
            });
        }
        twins
    }

    fn both(&self, mut edit: impl FnMut(&Path)) {
        self.tops.iter().for_each(|top| edit(top));
    }

    /// Finds all directories, relative to the top, which is the empty path.
    fn find_directories(&mut self) {
        let mut found = vec![PathBuf::new()];
        let mut next = 0;
        while let Some(path) = found.get(next).cloned() {
            next += 1;
            let Ok(entries) = fs::read_dir(self.tops[0].join(&path)) else { continue };
            for entry in entries.map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    found.push(path.join(entry.file_name()));
                }
            }
        }
        found.sort();
        self.directories = found;
    }

    fn edit(&mut self, random: &mut Random) {
        if random.chance(10) {
            self.find_directories();
        }
        let one = random.one_of(&self.directories).clone();
        let other = random.one_of(&self.directories).clone();
        let name = random.below(1000);
        let kind = random.below(12);
        self.both(|top| {
            let (one, other) = (top.join(&one), top.join(&other));
            // An edit that fails in one twin fails in the other as well.
            let _ = match kind {
                0..=2 => fs::create_dir(one.join(format!("d{name}"))),
                3 => fs::write(one.join(format!("f{name}")), ""),
                4 if one != *top => fs::remove_dir_all(&one),
                5 | 6 => fs::rename(&one, other.join(format!("d{name}"))),
                7 if one != *top => fs::rename(&one, top.join("../moved"))
                    .and_then(|()| symlink(&other, &one))
                    .and_then(|()| fs::remove_dir_all(top.join("../moved"))),
                8 => fs::set_permissions(&one, PermissionsExt::from_mode(0o700 + name as u32 % 64)),
                9 => exchange(&one, &other),
                10 => symlink("..", one.join(format!("l{name}"))),
                _ => fs::remove_file(one.join(format!("f{}", name % 50))),
            };
        });
    }
}

impl Drop for Twins {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.place);
    }
}

fn exchange(one: &Path, other: &Path) -> std::io::Result<()> {
    let paths = [one, other].map(|path| CString::new(path.as_os_str().as_bytes()).unwrap());
    Ok(renameat2(None, &paths[0], None, &paths[1], RENAME_EXCHANGE)?)
}

/// Describes the result of a step, without the parts that differ between twins.
fn describe(walk: &mut Walk<'_>, top: &Path) -> String {
    let step = match walk.step() {
        Ok(None) => return "the end".into(),
        Err(error) => return format!("{error:?}"),
        Ok(Some(step)) => step,
    };
    let path = walk.path().strip_prefix(top).unwrap().to_owned();
    if step != Step::Directory {
        return format!("{step:?} at {path:?}");
    }
    let fd = walk.fd().unwrap().as_raw_fd();
    let real = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
    let own = top.parent().unwrap().to_str().unwrap();
    let real = real.to_str().unwrap().replace(own, "");
    let names = |names: &crate::Names| names.iter().map(|n| format!("{n:?}")).collect::<Vec<_>>();
    format!("{path:?} {real} {:?} {:?}", names(walk.dirnames()), names(walk.filenames()))
}

/// One walk over both. Returns the first difference.
fn walk_both(twins: &mut Twins, random: &mut Random) -> Option<String> {
    let options = WalkOptions {
        topdown: random.chance(70),
        follow_symlinks: random.chance(30),
        max_open: *random.one_of(&[4, 5, 8, 16, 128]),
    };
    let [ahead, plain] = twins.tops.clone();
    let [c_ahead, c_plain] =
        [&ahead, &plain].map(|top| CString::new(top.as_os_str().as_bytes()).unwrap());
    let mut walks = [
        Walk::new(&c_ahead, None, options).threads(4).started_at(2),
        Walk::new(&c_plain, None, options).threads(0),
    ];
    let edits = random.below(40);
    loop {
        let [left, right] = [0, 1].map(|i| describe(&mut walks[i], &twins.tops[i]));
        let (open, most) = walks[0].descriptors();
        assert!(open <= most, "{open} descriptors, {options:?}");
        if left != right {
            return Some(format!("{options:?}\n{left}\n{right}"));
        }
        if left == "the end" {
            return None;
        }
        if random.chance(10) {
            steer(&mut walks, random);
        }
        match random.below(10) {
            0 => std::thread::sleep(Duration::from_micros(random.below(300) as u64)),
            1 => std::thread::yield_now(),
            _ => {}
        }
        if random.chance(edits) {
            twins.edit(random);
        }
    }
}

/// Edits the directories to be visited, alike in both.
fn steer(walks: &mut [Walk<'_>; 2], random: &mut Random) {
    let names = walks[0].dirnames().iter().map(|(name, _)| name.to_bytes().to_owned());
    let mut names: Vec<_> = names.collect();
    for _ in 0..random.below(4) {
        match random.below(4) {
            0 => names.reverse(),
            1 => drop(names.pop()),
            2 => names.push(format!("d{}", random.below(1000)).into_bytes()),
            _ => names.sort(),
        }
    }
    for walk in walks {
        walk.set_dirnames(names.iter().map(Vec::as_slice)).unwrap();
    }
}

/// Returns the first difference within so many walks.
fn run(base: &Path, seed: u64, walks: usize) -> Option<String> {
    let mut random = Random(seed * 2 + 1);
    for i in (0..walks).step_by(25) {
        let mut twins = Twins::new(base, seed * 1_000_000 + i as u64);
        // A directory that changed less than 20 ms ago is not listed ahead.
        std::thread::sleep(Duration::from_millis(25));
        for _ in 0..25 {
            if let Some(difference) = walk_both(&mut twins, &mut random) {
                return Some(difference);
            }
        }
    }
    None
}

fn bases() -> Vec<PathBuf> {
    let bases = [std::env::temp_dir(), "/dev/shm".into()];
    bases.into_iter().filter(|base| base.is_dir()).collect()
}

/// An overlay of two directories in memory. Only root can mount it.
struct Overlay(PathBuf);

impl Overlay {
    fn mount() -> Option<Self> {
        let place = PathBuf::from(format!("/dev/shm/fdkit-overlay-{}", std::process::id()));
        for name in ["lower", "upper", "work", "merged"] {
            fs::create_dir_all(place.join(name)).ok()?;
        }
        let overlay = Self(place);
        let at = |name| overlay.0.join(name).to_str().map(str::to_owned);
        let (lower, upper, work) = (at("lower")?, at("upper")?, at("work")?);
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "overlay", "-o", &options, "overlay"]).arg(overlay.merged());
        mount.output().is_ok_and(|output| output.status.success()).then_some(overlay)
    }

    fn merged(&self) -> PathBuf {
        self.0.join("merged")
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.merged()).output();
        let _ = fs::remove_dir_all(&self.0);
    }
}

// More for a long run.
fn from_environment(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn walks() -> usize {
    from_environment("FDKIT_TEST_WALKS", 200)
}

#[test]
fn a_walk_with_read_ahead_yields_what_one_without_yields() {
    for base in bases() {
        let before = hooks::ADOPTED.get();
        let difference = run(&base, 1, walks());
        assert_eq!(difference, None, "below {}", base.display());
        let adopted = hooks::ADOPTED.get() - before;
        assert!(adopted > walks(), "only {adopted} directories were listed ahead");
    }
}

#[test]
fn what_was_listed_is_kept_when_the_names_are_sorted_and_some_removed() {
    let base = bases().pop().unwrap();
    let twins = Twins::new(&base, 6);
    let top = CString::new(twins.tops[0].as_os_str().as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(25));
    let before = hooks::ADOPTED.get();
    let mut walk = Walk::new(&top, None, WalkOptions::default()).threads(2).started_at(2);
    let mut visited = 0;
    while let Some(step) = walk.step().unwrap() {
        assert_eq!(step, Step::Directory);
        visited += 1;
        // Long enough to list everything below.
        std::thread::sleep(Duration::from_millis(2));
        let mut names: Vec<_> =
            walk.dirnames().iter().map(|(name, _)| name.to_bytes().to_owned()).collect();
        names.sort();
        names.truncate(5);
        walk.set_dirnames(names.iter().map(Vec::as_slice)).unwrap();
    }
    let adopted = hooks::ADOPTED.get() - before;
    assert!(adopted * 10 > visited * 7, "{adopted} of {visited}");
}

#[test]
fn an_overlay_keeps_times_too() {
    let Some(overlay) = Overlay::mount() else {
        eprintln!("not run: an overlay cannot be mounted here");
        return;
    };
    let before = hooks::ADOPTED.get();
    assert_eq!(run(&overlay.merged(), 4, walks() / 2), None);
    assert!(hooks::ADOPTED.get() > before);
}

#[test]
fn a_million_steps_with_delays() {
    let steps = from_environment("FDKIT_TEST_STEPS", 20_000);
    hooks::DISTURBS.store(true, Ordering::Relaxed);
    let base = bases().pop().unwrap();
    let twins = Twins::new(&base, 5);
    let top = CString::new(twins.tops[0].as_os_str().as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(25));
    let mut random = Random(5);
    let count = |threads, random: &mut Random| {
        let mut walk = Walk::new(&top, None, WalkOptions::default()).threads(threads);
        let mut count = 0;
        while let Some(step) = walk.step().unwrap() {
            assert_eq!(step, Step::Directory);
            count += 1;
            if threads > 0 && random.below(512) == 0 {
                std::thread::sleep(Duration::from_micros(random.below(400) as u64));
            }
        }
        count
    };
    let expected = count(0, &mut random);
    let mut made = 0;
    while made < steps {
        assert_eq!(count(1 + made % 5, &mut random), expected);
        made += expected;
    }
}

#[test]
fn delays_and_failures_of_the_threads_change_nothing() {
    hooks::DISTURBS.store(true, Ordering::Relaxed);
    for base in bases() {
        assert_eq!(run(&base, 3, walks() / 4), None, "below {}", base.display());
    }
}

#[test]
fn a_walk_that_does_not_verify_is_caught() {
    let base = OsStr::new("/dev/shm");
    hooks::TRUSTS_EVERYTHING.with(|trusts| trusts.set(true));
    let difference = run(Path::new(base), 2, 1_000);
    hooks::TRUSTS_EVERYTHING.with(|trusts| trusts.set(false));
    assert!(difference.is_some());
}

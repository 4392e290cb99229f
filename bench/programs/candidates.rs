//! The candidates in Rust. `fdkit-bench NAME DIR` makes a run for each line that it reads, and
//! prints the nanoseconds that the run took and what it saw.

#[cfg(target_os = "linux")]
mod beneath;
#[cfg(target_os = "linux")]
mod floor;

use std::ffi::{CStr, CString};
use std::io::{Error, Result, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::time::Instant;

use fdkit::files::names;
use fdkit::root::{Resolver, Root, RootOptions};
use fdkit::{DiskUsage, Progress, Rmtree, Step, UsageOptions, Walk, WalkOptions};

/// The number of entries that a walk has seen.
#[derive(Default)]
pub struct Seen {
    /// Directories, including the top.
    pub directories: usize,
    /// All entries.
    pub entries: usize,
}

fn walk(top: &CStr, threads: Option<usize>) -> Result<Seen> {
    let mut walk = Walk::new(top, None, WalkOptions::default());
    if let Some(threads) = threads {
        walk = walk.threads(threads);
    }
    let mut seen = Seen::default();
    while let Some(step) = walk.step()? {
        if step == Step::Directory {
            seen.directories += 1;
            seen.entries += walk.dirnames().len() + walk.filenames().len();
        }
    }
    Ok(seen)
}

fn disk_usage(top: &CStr, threads: Option<usize>) -> Result<Seen> {
    let options = UsageOptions { threads, ..UsageOptions::default() };
    let mut counted = DiskUsage::new(None, top, options)?;
    while counted.step(1000) != Progress::Done {}
    let usage = counted.usage();
    let (directories, files) = (usage.directories as usize, usage.files as usize);
    Ok(Seen { directories, entries: directories - 1 + files })
}

fn rmtree(top: &CStr, threads: Option<usize>) -> Result<Seen> {
    let mut tree = Rmtree::new(None, top)?;
    if let Some(threads) = threads {
        tree = tree.threads(threads);
    }
    while tree.step(1000) != Progress::Done {}
    Ok(Seen::default())
}

/// Creates a tree for the candidates that delete: directories, each with the given number of empty
/// files.
fn make(top: &str, directories: usize, files: usize) -> Result<Seen> {
    std::fs::create_dir(top)?;
    for directory in 0..directories {
        let path = CString::new(format!("{top}/directory-{directory:06}"))?;
        names::mkdirat(None, &path, 0o777)?;
        let dir_fd = names::openat(None, &path, 0, 0)?;
        for file in 0..files {
            let name = CString::new(format!("file-of-some-length-{file:06}"))?;
            // O_WRONLY | O_CREAT | O_EXCL
            drop(names::openat(Some(dir_fd.as_fd()), &name, 0o301, 0o666)?);
        }
    }
    Ok(Seen { directories: directories + 1, entries: directories * (files + 1) })
}

/// Opens a file a thousand times. The argument is a directory, a colon and the path below it.
fn open_beneath(argument: &str, resolver: Resolver) -> Result<Seen> {
    let (top, path) = argument.split_once(':').unwrap_or_default();
    let (top, path) = (CString::new(top)?, CString::new(path)?);
    let root = Root::open(&top, None, RootOptions { resolver, ..RootOptions::default() })?;
    for _ in 0..1000 {
        drop(root.open_file(&path, 0, 0)?);
    }
    Ok(Seen::default())
}

fn run(name: &str, argument: &str) -> Result<Seen> {
    let top = CString::new(argument)?;
    match name {
        "fdkit" => walk(&top, None),
        "du" => disk_usage(&top, None),
        "du-threads-0" => disk_usage(&top, Some(0)),
        "du-threads-1" => disk_usage(&top, Some(1)),
        "rmtree" => rmtree(&top, None),
        "rmtree-threads-0" => rmtree(&top, Some(0)),
        "rmtree-threads-1" => rmtree(&top, Some(1)),
        "fdkit-threads-0" => walk(&top, Some(0)),
        "fdkit-threads-1" => walk(&top, Some(1)),
        "fdkit-threads-2" => walk(&top, Some(2)),
        "fdkit-threads-4" => walk(&top, Some(4)),
        "root-kernel" => open_beneath(argument, Resolver::Automatic),
        "root-stepwise" => open_beneath(argument, Resolver::Stepwise),
        "make-1000x30" => make(argument, 1_000, 30),
        "make-1x100000" => make(argument, 1, 100_000),
        #[cfg(target_os = "linux")]
        "floor" => floor::Floor::walk(&top),
        #[cfg(target_os = "linux")]
        "memfd" | "memfd-threads" => {
            floor::memfd_create(argument.parse().map_err(Error::other)?).map(|()| Seen::default())
        }
        _ => Err(Error::other(format!("no candidate is called {name}"))),
    }
}

#[cfg(target_os = "linux")]
fn beneath(name: &str) -> Option<fn(&beneath::Beneath) -> Result<()>> {
    use beneath::Beneath;
    match name {
        "stat-by-path" => Some(Beneath::stat_by_path),
        "stat-beneath" => Some(Beneath::stat),
        "unlink-by-path" => Some(Beneath::unlink_by_path),
        "unlink-beneath" => Some(Beneath::unlink),
        _ => None,
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (name, argument) = arguments.next().zip(arguments.next()).unwrap_or_default();
    if name == "memfd-threads" {
        // Node has the same number of threads. The kernel allocates descriptors more slowly in such
        // a process.
        for _ in 0..8 {
            std::thread::spawn(std::thread::park);
        }
    }
    for line in stdin().lines() {
        line?;
        #[cfg(target_os = "linux")]
        if let Some(run) = beneath(&name) {
            let prepared = beneath::Beneath::prepare(&argument)?;
            let start = Instant::now();
            run(&prepared)?;
            writeln!(stdout(), "{}", start.elapsed().as_nanos())?;
            continue;
        }
        let start = Instant::now();
        let seen = run(&name, &argument)?;
        let elapsed = start.elapsed().as_nanos();
        writeln!(stdout(), "{elapsed} {} {}", seen.directories, seen.entries)?;
    }
    Ok(())
}

//! How much memory the machine has available, and whether a file is in huge pages.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

use crate::files::names::openat;
use crate::memory::io::pread;

/// Returns how many bytes of memory are still available, as far as the system reports it, or
/// `u64::MAX`. If a process takes more, the kernel does not refuse: it kills processes.
///
/// It is the available memory and the free swap space of the machine, or what the control groups of
/// this process leave, whichever is less. Cache that a control group could drop counts as
/// available.
///
/// ```
/// assert!(fdkit::memory::available::available_memory() > 0);
/// ```
#[must_use]
pub fn available_memory() -> u64 {
    available_below(b"")
}

/// Returns whether a file lives in huge pages. The block size does not tell: other files can have
/// blocks of the same size.
#[cfg(target_os = "linux")]
pub(crate) fn is_in_huge_pages(fd: BorrowedFd<'_>) -> crate::Result<bool> {
    use nix::sys::statfs::{HUGETLBFS_MAGIC, fstatfs};
    let stat = crate::error::retry("fstatfs", || fstatfs(fd))?;
    Ok(stat.filesystem_type() == HUGETLBFS_MAGIC)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_in_huge_pages(_fd: BorrowedFd<'_>) -> crate::Result<bool> {
    Ok(false)
}

/// [`available_memory`] with `root` in place of `/`, for the tests.
fn available_below(root: &[u8]) -> u64 {
    let meminfo = read(&[root, b"/proc/meminfo"]);
    let kilobytes = |name: &[u8]| field(&meminfo, name).map(|number| number.saturating_mul(1024));
    let swap = kilobytes(b"SwapFree:").unwrap_or(0);
    let machine = kilobytes(b"MemAvailable:").map_or(u64::MAX, |free| free.saturating_add(swap));
    let groups = read(&[root, b"/proc/self/cgroup"]);
    lines(&groups).map(|line| left_in_groups(root, line)).fold(machine, u64::min)
}

/// The files of a control group: those of version 2, or of the memory controller of version 1.
struct GroupFiles {
    mount: &'static [u8],
    limit: &'static [u8],
    usage: &'static [u8],
}

const VERSION_2: GroupFiles =
    GroupFiles { mount: b"/sys/fs/cgroup", limit: b"/memory.max", usage: b"/memory.current" };

const VERSION_1: GroupFiles = GroupFiles {
    mount: b"/sys/fs/cgroup/memory",
    limit: b"/memory.limit_in_bytes",
    usage: b"/memory.usage_in_bytes",
};

/// Returns how much the control group in a line of `/proc/self/cgroup` leaves. The limits of the
/// enclosing groups apply, too.
fn left_in_groups(root: &[u8], line: &[u8]) -> u64 {
    let mut fields = line.splitn(3, |&byte| byte == b':').skip(1);
    let files = match fields.next() {
        Some(b"") => VERSION_2,
        Some(b"memory") => VERSION_1,
        _ => return u64::MAX,
    };
    let mut group = fields.next().unwrap_or_default();
    let mut left = u64::MAX;
    loop {
        left = left.min(left_in_group(&[root, files.mount, group].concat(), &files));
        match group.iter().rposition(|&byte| byte == b'/') {
            Some(end) if group.len() > 1 => group = group.get(..end).unwrap_or_default(),
            _ => return left,
        }
    }
}

// Version 1 has a number close to 2^63 in place of "max".
const UNLIMITED: u64 = 1 << 60;

/// Returns how many more bytes a control group may take.
fn left_in_group(directory: &[u8], files: &GroupFiles) -> u64 {
    let whole = |name: &[u8]| number(read(&[directory, name]).trim_ascii());
    let Some(limit) = whole(files.limit).filter(|&limit| limit < UNLIMITED) else {
        return u64::MAX;
    };
    let used = whole(files.usage).unwrap_or(0);
    let stat = read(&[directory, b"/memory.stat"]);
    // Version 1 has separate totals that include the groups below this one. In version 2, every
    // number includes them.
    let cached = |total: &[u8], own: &[u8]| field(&stat, total).or_else(|| field(&stat, own));
    let active = cached(b"total_active_file ", b"active_file ");
    let inactive = cached(b"total_inactive_file ", b"inactive_file ");
    let cache = match (active, inactive) {
        (Some(active), Some(inactive)) => active.saturating_add(inactive).min(used),
        _ => used,
    };
    limit.saturating_sub(used - cache)
}

/// Returns the number in the line that starts with `name`.
fn field(text: &[u8], name: &[u8]) -> Option<u64> {
    let value = lines(text).find_map(|line| line.strip_prefix(name))?.trim_ascii();
    number(value.strip_suffix(b" kB").unwrap_or(value))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
}

fn number(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

// The files of /proc and of control groups that are read here have up to 8 kB.
const MOST: usize = 65_536;

/// Returns the contents of a file, or nothing: other systems, and other versions of control groups,
/// do not have it.
fn read(path: &[&[u8]]) -> Vec<u8> {
    let read = || {
        let path = CString::new(path.concat()).ok()?;
        let file = openat(None, &path, libc::O_RDONLY, 0).ok()?;
        let mut text = vec![0; MOST];
        // SAFETY: the buffer is as long as its length says.
        let length = unsafe { pread(file.as_fd(), text.as_mut_ptr(), text.len(), 0) }.ok()?;
        text.truncate(length);
        Some(text)
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A directory in place of `/`, which is removed when it is dropped.
    struct System(PathBuf);

    impl System {
        fn new(meminfo: &str, cgroup: &[u8]) -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("fdkit-available-{}-{count}", std::process::id());
            let system = Self(std::env::temp_dir().join(name));
            system.write("proc/meminfo", meminfo);
            fs::create_dir_all(system.0.join("proc/self")).unwrap();
            fs::write(system.0.join("proc/self/cgroup"), cgroup).unwrap();
            system
        }

        fn write(&self, path: impl AsRef<Path>, text: impl ToString) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.to_string()).unwrap();
        }

        fn available(&self) -> u64 {
            available_below(self.0.as_os_str().as_bytes())
        }
    }

    impl Drop for System {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MEMINFO: &str = "MemTotal:  9999 kB\nMemAvailable:   1000 kB\nSwapFree: 24 kB\n";
    const MACHINE: u64 = 1024 * 1024;

    #[test]
    fn a_machine_has_its_available_memory_and_its_free_swap_space() {
        assert_eq!(System::new(MEMINFO, b"").available(), MACHINE);
        assert_eq!(System::new("MemAvailable: 7 kB\n", b"").available(), 7 * 1024);
        assert_eq!(System::new("", b"").available(), u64::MAX);
        assert_eq!(available_below(b"/no/such/root"), u64::MAX);
    }

    #[test]
    fn a_group_leaves_its_limit_without_what_it_uses_but_its_cache_counts_as_available() {
        let system = System::new(MEMINFO, b"0::/app\xff\n");
        let group = Path::new("sys/fs/cgroup").join(std::ffi::OsStr::from_bytes(b"app\xff"));
        system.write(group.join("memory.max"), "5000\n");
        assert_eq!(system.available(), 5000);
        system.write(group.join("memory.current"), "3000\n");
        // Without statistics, everything that is used could be cache.
        assert_eq!(system.available(), 5000);
        system.write(group.join("memory.stat"), "anon 9\nactive_file 400\ninactive_file 100\n");
        assert_eq!(system.available(), 2500);
        system.write(group.join("memory.current"), "9000\n");
        assert_eq!(system.available(), 0);
        system.write(group.join("memory.max"), "max\n");
        assert_eq!(system.available(), MACHINE);
    }

    #[test]
    fn version_1_has_totals_and_a_number_in_place_of_max() {
        let system = System::new(MEMINFO, b"12:cpu:/other\n4:memory:/a\n");
        let group = "sys/fs/cgroup/memory/a";
        system.write(format!("{group}/memory.limit_in_bytes"), 9_223_372_036_854_771_712_u64);
        system.write(format!("{group}/memory.usage_in_bytes"), 900);
        assert_eq!(system.available(), MACHINE);
        system.write(format!("{group}/memory.limit_in_bytes"), 1000);
        let stat = "active_file 1\ninactive_file 2\ntotal_active_file 10\ntotal_inactive_file 20\n";
        system.write(format!("{group}/memory.stat"), stat);
        assert_eq!(system.available(), 130);
        system.write("sys/fs/cgroup/memory/memory.limit_in_bytes", 50);
        assert_eq!(system.available(), 50, "the enclosing groups count");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_group_that_leaves_least_decides(
            groups in prop::collection::vec((0..4_000_000_u64, 0..4_000_000_u64), 1..6),
        ) {
            let path: String = (1..groups.len()).map(|depth| format!("/g{depth}")).collect();
            let system = System::new(MEMINFO, format!("0::{path}\n").as_bytes());
            let mut directory = PathBuf::from("sys/fs/cgroup");
            for (depth, (limit, used)) in groups.iter().enumerate() {
                if depth > 0 {
                    directory.push(format!("g{depth}"));
                }
                system.write(directory.join("memory.max"), limit);
                system.write(directory.join("memory.current"), used);
                system.write(directory.join("memory.stat"), "active_file 0\ninactive_file 0\n");
            }
            let left = groups.iter().map(|(limit, used)| limit.saturating_sub(*used)).min();
            prop_assert_eq!(system.available(), left.unwrap().min(MACHINE));
        }

        #[test]
        fn any_contents_can_be_parsed(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = field(&text, b"MemAvailable:");
            let _ = left_in_groups(b"/no/such/root", &text);
        }
    }
}

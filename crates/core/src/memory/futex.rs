//! Waiting for another process, or another thread, to change a word of memory that both share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// It was woken, or the word changed while it was about to sleep.
    Woken,
    /// The word had another value.
    NotEqual,
    /// The deadline has passed.
    TimedOut,
    /// The waiting side ended it.
    Canceled,
}

/// A point of time on the monotonic clock, which all processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

impl Deadline {
    /// `now + time`, or `None` on overflow.
    ///
    /// ```
    /// use fdkit::memory::futex::Deadline;
    /// use std::time::Duration;
    /// assert!(Deadline::after(Duration::MAX).is_none());
    /// assert!(Deadline::after(Duration::ZERO) <= Deadline::after(Duration::from_secs(1)));
    /// ```
    #[must_use]
    pub fn after(time: Duration) -> Option<Self> {
        let deadline = sys::now().checked_add(time)?;
        i64::try_from(deadline.as_secs()).ok().map(|_| Self(deadline))
    }
}

/// Waits like [`futex_wait`], but polls the word for up to 20 µs before it sleeps, since many
/// answers arrive sooner than a sleep and a wake-up would take. On a single processor, it sleeps at
/// once.
///
/// # Safety
/// The word is memory that may be read, and stays so for the duration of the call.
///
/// # Errors
/// Those of [`futex_wait`].
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::memory::futex::{Deadline, Waited, wait};
/// use std::time::Duration;
///
/// let in_10_ms = Deadline::after(Duration::from_millis(10));
/// // SAFETY: the word is a static.
/// assert_eq!(unsafe { wait(&5, 4, None, None)? }, Waited::NotEqual);
/// // SAFETY: as above.
/// assert_eq!(unsafe { wait(&5, 5, in_10_ms, None)? }, Waited::TimedOut);
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub unsafe fn wait(
    word: *const u32,
    value: u32,
    deadline: Option<Deadline>,
    keep_on: Option<&dyn Fn() -> bool>,
) -> Result<Waited> {
    // SAFETY: the caller's promise.
    match unsafe { poll(word, value, deadline) } {
        Some(waited) => Ok(waited),
        None => futex_wait(word, value, deadline, keep_on),
    }
}

/// Returns whether a word has a value. Reads it atomically.
///
/// # Safety
/// The word is memory that may be read.
///
/// ```
/// // SAFETY: the word is a static.
/// assert!(unsafe { fdkit::memory::futex::is_equal(&5, 5) });
/// ```
#[must_use]
pub unsafe fn is_equal(word: *const u32, value: u32) -> bool {
    // SAFETY: the caller's promise; it is only read.
    unsafe { AtomicU32::from_ptr(word.cast_mut()) }.load(Ordering::SeqCst) == value
}

// Polling for longer would delay the other side if both share a processor.
const POLLING: Duration = Duration::from_micros(20);
// The number of looks at the word between two looks at the clock.
const LOOKS: u32 = 50;

/// Polls a word for a short time, as long as it has the value. Returns `None` if it still has it.
///
/// # Safety
/// As for [`is_equal`], for the duration of the call.
unsafe fn poll(word: *const u32, value: u32, deadline: Option<Deadline>) -> Option<Waited> {
    // SAFETY: the caller's promise.
    let differs = || !unsafe { is_equal(word, value) };
    if differs() {
        return Some(Waited::NotEqual);
    }
    let end =
        Deadline::after(POLLING).map(|end| deadline.map_or(end, |deadline| end.min(deadline)));
    while sys::has_processors() && Deadline::after(Duration::ZERO) < end {
        for _ in 0..LOOKS {
            if differs() {
                return Some(Waited::Woken);
            }
            std::hint::spin_loop();
        }
    }
    None
}

const SLICE: Duration = Duration::from_millis(100);

/// Sleeps as long as the word has the value: `futex(word, FUTEX_WAIT_BITSET, value, deadline)`.
///
/// If there is `keep_on`, it is called ten times a second, and the wait ends when it returns
/// `false`. Between two such slices, the kernel does not know about the wait: a wake without a
/// change of the word is lost.
///
/// The kernel compares the word and puts the thread to sleep atomically. Store first, then wake:
/// that wake is never lost. The kernel checks the address and only reads there, so any address can
/// be passed. The word may be shared with other processes.
///
/// # Errors
/// `EFAULT`: there is no memory at the address; `EINVAL`: the address is not a multiple of 4;
/// `ENOSYS` if the operating system has no futexes.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::memory::futex::{Waited, futex_wait};
/// let word = 5_u32;
/// assert_eq!(futex_wait(&word, 4, None, None)?, Waited::NotEqual);
/// assert_eq!(futex_wait(&word, 5, None, Some(&|| false))?, Waited::Canceled);
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn futex_wait(
    word: *const u32,
    value: u32,
    deadline: Option<Deadline>,
    keep_on: Option<&dyn Fn() -> bool>,
) -> Result<Waited> {
    let mut unequal = Waited::NotEqual;
    loop {
        let slice = keep_on.and_then(|_| Deadline::after(SLICE));
        let until = match (slice, deadline) {
            (Some(slice), Some(deadline)) => Some(slice.min(deadline)),
            (slice, deadline) => slice.or(deadline),
        };
        match sys::futex_wait(word, value, until) {
            Ok(()) => return Ok(Waited::Woken),
            Err(error) => match error.errno() {
                libc::EAGAIN => return Ok(unequal),
                libc::ETIMEDOUT if deadline.is_some() && until == deadline => {
                    return Ok(Waited::TimedOut);
                }
                libc::ETIMEDOUT | libc::EINTR if keep_on.is_some_and(|keep_on| !keep_on()) => {
                    return Ok(Waited::Canceled);
                }
                libc::ETIMEDOUT | libc::EINTR => {}
                _ => return Err(error),
            },
        }
        // The word had the value once. Its change may have come with a wake that was lost.
        unequal = Waited::Woken;
    }
}

/// Wakes at most `count` waits for a word, and returns the number of waits that it woke:
/// `futex(word, FUTEX_WAKE, count)`.
///
/// # Errors
/// Those of [`futex_wait`].
///
/// ```
/// # #[cfg(target_os = "linux")]
/// assert_eq!(fdkit::memory::futex::futex_wake(&0_u32, 1)?, 0);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn futex_wake(word: *const u32, count: u32) -> Result<u32> {
    // For a count of 0, the kernel wakes one.
    if count == 0 { Ok(0) } else { sys::futex_wake(word, count) }
}

/// A wait that another thread can end.
#[derive(Debug, Default)]
pub struct Waiter {
    canceled: AtomicU32,
}

impl Waiter {
    /// Creates a wait that has not begun.
    #[must_use]
    pub const fn new() -> Self {
        Self { canceled: AtomicU32::new(0) }
    }

    /// Waits like [`futex_wait`], until [`Waiter::cancel`] is called. If it is woken and canceled at
    /// the same time, it returns [`Waited::Woken`].
    ///
    /// It waits for both words with futex_waitv(2) of Linux 5.16. On older kernels, it sleeps in
    /// slices.
    ///
    /// # Errors
    /// Those of [`futex_wait`].
    pub fn wait(&self, word: *const u32, value: u32, deadline: Option<Deadline>) -> Result<Waited> {
        loop {
            if self.is_canceled() {
                return Ok(Waited::Canceled);
            }
            // If both were woken, the kernel returns the last one.
            let words = [(self.canceled.as_ptr().cast_const(), 0), (word, value)];
            match sys::futex_waitv(words, deadline) {
                Ok(0) => {}
                Ok(_) => return Ok(Waited::Woken),
                Err(error) => match error.errno() {
                    libc::EAGAIN if self.is_canceled() => {}
                    libc::EAGAIN => return Ok(Waited::NotEqual),
                    libc::ETIMEDOUT => return Ok(Waited::TimedOut),
                    libc::EINTR => {}
                    libc::ENOSYS | libc::EPERM => {
                        let keep_on = || !self.is_canceled();
                        return futex_wait(word, value, deadline, Some(&keep_on));
                    }
                    _ => return Err(error),
                },
            }
        }
    }

    /// Ends the wait. If it has not begun, it ends as soon as it begins.
    pub fn cancel(&self) {
        self.canceled.store(1, Ordering::SeqCst);
        let _ = futex_wake(self.canceled.as_ptr(), u32::MAX >> 1);
    }

    fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::SeqCst) != 0
    }
}

#[cfg(target_os = "linux")]
mod sys {
    use super::{Deadline, Duration, Error, Result};
    use crate::error::retry_libc;
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::OnceLock;

    // Its number is the same on every architecture.
    const SYS_FUTEX_WAITV: libc::c_long = 449;
    const FUTEX_32: u32 = 2;

    #[repr(C)]
    struct WaitV {
        value: u64,
        address: u64,
        flags: u32,
        reserved: u32,
    }

    pub(super) fn now() -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the kernel writes to a timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
    }

    /// Returns whether another thread can run at the same time as this one.
    pub(super) fn has_processors() -> bool {
        static MORE_THAN_ONE: OnceLock<bool> = OnceLock::new();
        *MORE_THAN_ONE.get_or_init(|| {
            let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
            let size = size_of::<libc::cpu_set_t>();
            // SAFETY: the kernel writes at most so many bytes.
            let failed = unsafe { libc::sched_getaffinity(0, size, set.as_mut_ptr()) };
            // SAFETY: zeros are an empty set.
            let set = unsafe { set.assume_init() };
            // SAFETY: it only reads the set.
            failed == 0 && unsafe { libc::CPU_COUNT(&set) } > 1
        })
    }

    fn timespec(deadline: Deadline) -> libc::timespec {
        let Deadline(time) = deadline;
        libc::timespec {
            tv_sec: time.as_secs().cast_signed(),
            tv_nsec: i64::from(time.subsec_nanos()),
        }
    }

    fn result(value: libc::c_long, syscall: &'static str) -> Result<libc::c_long> {
        if value == -1 { Err(Error::last(syscall)) } else { Ok(value) }
    }

    pub(super) fn futex_wait(word: *const u32, value: u32, until: Option<Deadline>) -> Result<()> {
        let until = until.map(timespec);
        let until = until.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the kernel checks the address of the word, and only reads there. The deadline is
        // null or valid.
        let woken = unsafe {
            libc::syscall(
                libc::SYS_futex,
                word,
                libc::FUTEX_WAIT_BITSET,
                value,
                until,
                ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
        result(woken, "futex").map(|_| ())
    }

    pub(super) fn futex_wake(word: *const u32, count: u32) -> Result<u32> {
        let count = count.min(i32::MAX.cast_unsigned());
        let woken = retry_libc("futex", || {
            // SAFETY: the kernel checks the address, and accesses nothing there.
            unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, count) }
        })?;
        Ok(woken as u32)
    }

    pub(super) fn futex_waitv(
        words: [(*const u32, u32); 2],
        until: Option<Deadline>,
    ) -> Result<libc::c_long> {
        let waiters = words.map(|(word, value)| WaitV {
            value: u64::from(value),
            address: word.addr() as u64,
            flags: FUTEX_32,
            reserved: 0,
        });
        let until = until.map(timespec);
        let until = until.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the array has so many entries, and the kernel checks the addresses in them. The
        // deadline is null or valid.
        let woken = unsafe {
            libc::syscall(
                SYS_FUTEX_WAITV,
                waiters.as_ptr(),
                waiters.len(),
                0,
                until,
                libc::CLOCK_MONOTONIC,
            )
        };
        result(woken, "futex_waitv")
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{Deadline, Duration, Error, Result};

    pub(super) fn now() -> Duration {
        Duration::ZERO
    }

    pub(super) fn has_processors() -> bool {
        false
    }

    pub(super) fn futex_wait(
        _word: *const u32,
        _value: u32,
        _until: Option<Deadline>,
    ) -> Result<()> {
        Err(Error::new(libc::ENOSYS, "futex"))
    }

    pub(super) fn futex_wake(_word: *const u32, _count: u32) -> Result<u32> {
        Err(Error::new(libc::ENOSYS, "futex"))
    }

    pub(super) fn futex_waitv(
        _words: [(*const u32, u32); 2],
        _until: Option<Deadline>,
    ) -> Result<libc::c_long> {
        Err(Error::new(libc::ENOSYS, "futex_waitv"))
    }
}

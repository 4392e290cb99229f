//! Waiting for another process, or thread, to change a word of memory that both share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};

/// How a wait came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Somebody woke it, or changed the word while it was about to sleep.
    Woken,
    /// The word was not what it was said to be.
    NotEqual,
    /// It took too long.
    TimedOut,
    /// It was ended by the one who waits.
    Canceled,
}

/// A point of time on the clock that nobody sets, which all processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

impl Deadline {
    /// So long from now; none where no clock will ever show it.
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

const SLICE: Duration = Duration::from_millis(100);

/// Waits for as long as the word is `value`: `futex(word, FUTEX_WAIT_BITSET, value, deadline)`.
///
/// If `keep_on` is given, the wait asks it ten times a second whether to go on. Between two such
/// slices the kernel does not know about the waiting thread, so a wake without a store is lost
/// there.
///
/// The kernel compares the word and goes to sleep in one step: a wake that follows a store is never
/// lost. It never writes to the word, and it takes any address. The word is not private to the
/// process.
///
/// # Errors
/// `EFAULT`: no memory is at the address; `EINVAL`: it is no multiple of 4; `ENOSYS` where the
/// operating system has no futexes.
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
        // It was equal once: who changed it since may have woken in vain.
        unequal = Waited::Woken;
    }
}

/// Reads a word again and again for some microseconds, as long as it is `value`. If the other side
/// runs on another processor and is quick, this takes less time than to sleep and to be woken up.
/// Returns `None` if it is time to sleep. With one processor, that is at once.
///
/// # Safety
/// The word is memory that may be read, and stays so for the time of the call.
///
/// ```
/// use fdkit::memory::futex::{Waited, spin};
/// // SAFETY: a variable.
/// assert_eq!(unsafe { spin(&5, 4, None) }, Some(Waited::NotEqual));
/// // SAFETY: as above.
/// assert_eq!(unsafe { spin(&5, 5, None) }, None);
/// ```
pub unsafe fn spin(word: *const u32, value: u32, deadline: Option<Deadline>) -> Option<Waited> {
    // SAFETY: the caller's promise; it is only read.
    let word = unsafe { AtomicU32::from_ptr(word.cast_mut()) };
    let differs = || word.load(Ordering::SeqCst) != value;
    if differs() {
        return Some(Waited::NotEqual);
    }
    let end = Deadline::after(SPIN).map(|end| deadline.map_or(end, |deadline| end.min(deadline)));
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

// Longer, it would be in the way of the other side where both have to share a processor.
const SPIN: Duration = Duration::from_micros(20);
// Between two looks at the clock.
const LOOKS: u32 = 50;

/// Wakes up to `count` of those who wait for a word: `futex(word, FUTEX_WAKE, count)`. Returns
/// how many.
///
/// # Errors
/// `EFAULT`: no memory is at the address; `EINVAL`: it is no multiple of 4; `ENOSYS` where the
/// operating system has no futexes.
///
/// ```
/// # #[cfg(target_os = "linux")]
/// assert_eq!(fdkit::memory::futex::futex_wake(&0_u32, 1)?, 0);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn futex_wake(word: *const u32, count: u32) -> Result<u32> {
    // Asked to wake none, the kernel wakes one.
    if count == 0 { Ok(0) } else { sys::futex_wake(word, count) }
}

/// A wait that another thread can end.
#[derive(Debug, Default)]
pub struct Waiter {
    canceled: AtomicU32,
}

impl Waiter {
    /// One that has not begun.
    #[must_use]
    pub const fn new() -> Self {
        Self { canceled: AtomicU32::new(0) }
    }

    /// [`futex_wait`], until [`Waiter::cancel`]. A wake-up that comes together with that counts:
    /// it is not lost.
    ///
    /// It waits for both at once by futex_waitv(2) of Linux 5.16, before that in slices.
    ///
    /// # Errors
    /// As those of [`futex_wait`].
    pub fn wait(&self, word: *const u32, value: u32, deadline: Option<Deadline>) -> Result<Waited> {
        loop {
            if self.is_canceled() {
                return Ok(Waited::Canceled);
            }
            // Where both have woken, the kernel names the last.
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

    /// Ends the wait, or keeps it from beginning.
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

    // The same on every architecture.
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
        // SAFETY: there is room for the answer.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
    }

    /// Whether something else can run while this thread does.
    pub(super) fn has_processors() -> bool {
        static MORE_THAN_ONE: OnceLock<bool> = OnceLock::new();
        *MORE_THAN_ONE.get_or_init(|| {
            let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
            let size = size_of::<libc::cpu_set_t>();
            // SAFETY: there is room for the answer, and zeros are an empty set.
            let failed = unsafe { libc::sched_getaffinity(0, size, set.as_mut_ptr()) };
            // SAFETY: as above.
            let set = unsafe { set.assume_init() };
            // SAFETY: it counts the bits of the set.
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
        // SAFETY: the kernel checks the address of the word, and only reads there.
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
            // SAFETY: the kernel checks the address, and touches nothing there.
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
        // SAFETY: the length is that of `waiters`. The kernel checks the addresses in them.
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

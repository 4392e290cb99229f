//! Tests waiting for a word of memory, and waking.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fdkit::constants::*;
use fdkit::memory::futex::{Deadline, Waited, Waiter, futex_wait, futex_wake, is_equal, wait};
use fdkit::memory::mapping::{MapOptions, Mapping};
use fdkit::memory::memfd::memfd_create;

const MS: Duration = Duration::from_millis(1);

fn in_ms(count: u32) -> Option<Deadline> {
    Deadline::after(MS * count)
}

#[test]
fn wait_polls_for_a_short_time_before_it_sleeps() {
    let word = AtomicU32::new(1);
    let wait = |value, deadline| {
        // SAFETY: the word outlives the call.
        unsafe { wait(word.as_ptr(), value, deadline, None) }.unwrap()
    };
    assert_eq!(wait(2, None), Waited::NotEqual);
    for count in [0, 5] {
        assert_eq!(wait(1, in_ms(count)), Waited::TimedOut);
    }
    let stop = AtomicU32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while stop.load(Ordering::SeqCst) == 0 {
                word.fetch_xor(2, Ordering::SeqCst);
            }
        });
        // Nobody wakes the wait, so it sees the change only if it polls.
        let start = Instant::now();
        let mut seen = false;
        while !seen && start.elapsed() < MS * 20_000 {
            seen = wait(1, in_ms(1)) == Waited::Woken;
        }
        stop.store(1, Ordering::SeqCst);
        assert!(seen || thread::available_parallelism().unwrap().get() == 1);
    });
}

#[test]
fn wait_sleeps_until_it_is_woken() {
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            // SAFETY: the word outlives the call.
            unsafe { wait(word.as_ptr(), 0, None, None) }
        });
        wake_one(&word);
        assert_eq!(waiter.join().unwrap().unwrap(), Waited::Woken);
    });
    for (value, expected) in [(0, true), (1, false)] {
        // SAFETY: the word is alive.
        assert_eq!(unsafe { is_equal(word.as_ptr(), value) }, expected);
    }
}

/// Wakes repeatedly until a waiter was woken.
fn wake_one(word: &AtomicU32) {
    while futex_wake(word.as_ptr(), 1).unwrap() == 0 {
        thread::sleep(MS);
    }
}

#[test]
fn a_wait_for_another_value_returns_immediately() {
    let word = AtomicU32::new(7);
    assert_eq!(futex_wait(word.as_ptr(), 8, None, None).unwrap(), Waited::NotEqual);
    assert_eq!(Waiter::new().wait(word.as_ptr(), 8, None).unwrap(), Waited::NotEqual);
    assert_eq!(word.into_inner(), 7);
}

#[test]
fn all_32_bits_are_compared() {
    for value in [0, 1 << 31, u32::MAX] {
        let word = AtomicU32::new(value);
        let waited = futex_wait(word.as_ptr(), value, in_ms(1), None).unwrap();
        assert_eq!(waited, Waited::TimedOut);
        assert_eq!(Waiter::new().wait(word.as_ptr(), value, in_ms(1)).unwrap(), Waited::TimedOut);
        let other = futex_wait(word.as_ptr(), value ^ 1 << 31, None, None).unwrap();
        assert_eq!(other, Waited::NotEqual);
    }
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_earlier() {
    let word = AtomicU32::new(0);
    // Includes a time that is longer than one slice of sleep.
    for count in [0, 20, 250] {
        let start = Instant::now();
        let waited = futex_wait(word.as_ptr(), 0, in_ms(count), None).unwrap();
        assert_eq!(waited, Waited::TimedOut);
        assert!(start.elapsed() >= MS * count, "{count}: {:?}", start.elapsed());
        let start = Instant::now();
        assert_eq!(Waiter::new().wait(word.as_ptr(), 0, in_ms(count)).unwrap(), Waited::TimedOut);
        assert!(start.elapsed() >= MS * count && start.elapsed() < MS * (count + 5000));
    }
}

#[test]
fn a_waiter_is_woken() {
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        let one = scope.spawn(|| futex_wait(word.as_ptr(), 0, None, None));
        wake_one(&word);
        assert_eq!(one.join().unwrap().unwrap(), Waited::Woken);
        let other = scope.spawn(|| Waiter::new().wait(word.as_ptr(), 0, None));
        wake_one(&word);
        assert_eq!(other.join().unwrap().unwrap(), Waited::Woken);
    });
}

#[test]
fn wake_wakes_at_most_the_given_number() {
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        let waits: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| Waiter::new().wait(word.as_ptr(), 0, in_ms(20_000))))
            .collect();
        let mut woken = 0;
        while woken < 2 {
            woken += futex_wake(word.as_ptr(), 2 - woken).unwrap();
            thread::sleep(MS);
        }
        let none = futex_wake(word.as_ptr(), 0).unwrap();
        thread::sleep(MS * 20);
        let finished = waits.iter().filter(|wait| wait.is_finished()).count();
        // All threads must end before anything is asserted.
        word.store(1, Ordering::SeqCst);
        futex_wake(word.as_ptr(), u32::MAX).unwrap();
        let results: Vec<_> = waits.into_iter().map(|wait| wait.join().unwrap()).collect();
        assert_eq!((none, finished), (0, 2));
        assert!(results.iter().all(|result| *result != Ok(Waited::TimedOut)));
    });
    assert_eq!(futex_wake(word.as_ptr(), u32::MAX).unwrap(), 0);
}

#[test]
fn a_wait_can_be_canceled_during_or_before_it() {
    let word = AtomicU32::new(0);
    let waiter = Arc::new(Waiter::new());
    thread::scope(|scope| {
        let wait = scope.spawn(|| waiter.wait(word.as_ptr(), 0, None));
        thread::sleep(MS * 20);
        waiter.cancel();
        assert_eq!(wait.join().unwrap().unwrap(), Waited::Canceled);
    });
    assert_eq!(waiter.wait(word.as_ptr(), 0, None).unwrap(), Waited::Canceled);
    // A waiter that is already canceled does not read the word.
    assert_eq!(waiter.wait(word.as_ptr(), 1, None).unwrap(), Waited::Canceled);
}

#[test]
fn a_wait_asks_ten_times_a_second_whether_to_continue() {
    let word = AtomicU32::new(0);
    let (asked, start) = (AtomicU32::new(0), Instant::now());
    let keep_on = || asked.fetch_add(1, Ordering::SeqCst) < 2;
    assert_eq!(futex_wait(word.as_ptr(), 0, None, Some(&keep_on)).unwrap(), Waited::Canceled);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert!(start.elapsed() >= MS * 300);
}

#[test]
fn a_change_between_two_slices_counts_as_woken() {
    let word = AtomicU32::new(0);
    // No thread wakes the waiter.
    let keep_on = || {
        word.store(1, Ordering::SeqCst);
        true
    };
    assert_eq!(futex_wait(word.as_ptr(), 0, None, Some(&keep_on)).unwrap(), Waited::Woken);
}

#[test]
fn invalid_addresses_are_errors() {
    let nowhere = std::ptr::without_provenance::<u32>(4096);
    let odd = std::ptr::without_provenance::<u32>(4097);
    for (address, errno) in [(nowhere, libc::EFAULT), (odd, libc::EINVAL)] {
        let error = futex_wait(address, 0, in_ms(10), None).unwrap_err();
        assert_eq!((error.syscall(), error.errno()), ("futex", errno));
        assert_eq!(futex_wake(address, 1).unwrap_err().errno(), errno);
        assert_eq!(Waiter::new().wait(address, 0, in_ms(10)).unwrap_err().errno(), errno);
    }
}

#[test]
fn two_mappings_of_a_file_share_a_word() {
    let file = std::fs::File::from(memfd_create(c"futex", MFD_ALLOW_SEALING).unwrap());
    file.set_len(8).unwrap();
    let map = || {
        use std::os::fd::AsFd;
        Mapping::mmap(file.as_fd(), &MapOptions::default()).unwrap()
    };
    let (here, there) = (map(), map());
    assert_ne!(here.as_ptr(), there.as_ptr());
    // SAFETY: the mappings outlive the words, which are aligned to pages.
    let [one, other] =
        [&here, &there].map(|each| unsafe { AtomicU32::from_ptr(each.as_ptr().cast()) });
    thread::scope(|scope| {
        let wait = scope.spawn(|| Waiter::new().wait(one.as_ptr(), 0, None));
        wake_one(other);
        assert_eq!(wait.join().unwrap().unwrap(), Waited::Woken);
        other.store(5, Ordering::SeqCst);
        assert_eq!(one.load(Ordering::SeqCst), 5);
    });
}

#[test]
fn a_wake_after_a_change_is_never_lost() {
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=2000 {
                word.store(value, Ordering::SeqCst);
                futex_wake(word.as_ptr(), u32::MAX).unwrap();
            }
        });
        let mut seen = 0;
        while seen < 2000 {
            // A lost wake would block forever.
            let waited = Waiter::new().wait(word.as_ptr(), seen, in_ms(10_000)).unwrap();
            assert_ne!(waited, Waited::TimedOut);
            seen = word.load(Ordering::SeqCst);
        }
    });
}

//! Hooks for tests: what they observe, and what they break.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::tree::ahead::Looked;

/// Delays and failures for one in eight directories that are listed ahead.
pub(crate) static DISTURBS: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// How many directories walks of this thread yielded as they were listed ahead.
    pub(crate) static ADOPTED: Cell<usize> = const { Cell::new(0) };

    /// Walks of this thread yield whatever was listed ahead.
    pub(crate) static TRUSTS_EVERYTHING: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn disturb(id: u64, looked: Result<Option<Looked>>) -> Result<Option<Looked>> {
    if !DISTURBS.load(Ordering::Relaxed) {
        return looked;
    }
    // Any sequence will do that does not repeat soon.
    let dice = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    match dice % 64 {
        0 => std::thread::sleep(Duration::from_micros(dice % 500)),
        1..=3 => std::thread::yield_now(),
        4 => return Err(Error::new(libc::EIO, "getdents64")),
        5 if dice % 512 == 5 => return Err(Error::new(libc::EMFILE, "openat")),
        _ => {}
    }
    looked
}

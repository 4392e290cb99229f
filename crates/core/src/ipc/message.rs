//! Messages with descriptors: sendmsg(2) and recvmsg(2) with `SCM_RIGHTS`.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::error::{Error, Result, retry_libc};

/// How many descriptors one message can carry: the kernel's `SCM_MAX_FD`.
pub const MAX_FDS: usize = 253;

const FD_SIZE: usize = size_of::<libc::c_int>();

/// The result of one call of [`recv_fds`].
#[derive(Debug)]
pub struct Received {
    /// How many bytes of the buffer were filled.
    pub length: usize,
    /// The descriptors that came with them; child processes do not inherit them.
    pub fds: Vec<OwnedFd>,
    /// [`MSG_TRUNC`](crate::constants::MSG_TRUNC) if the message was longer than the buffer,
    /// [`MSG_CTRUNC`](crate::constants::MSG_CTRUNC) if it had more descriptors, and others.
    pub flags: i32,
}

// Aligned as a header of control data must be.
#[repr(C, align(8))]
struct Control([MaybeUninit<u8>; 1_056]);

impl Control {
    fn new() -> Self {
        Self([MaybeUninit::zeroed(); 1_056])
    }
}

fn control_length(fds: usize) -> usize {
    // SAFETY: it computes a number.
    unsafe { libc::CMSG_SPACE((fds * FD_SIZE) as u32) as usize }
}

fn header(iov: &mut libc::iovec, control: &mut Control, length: usize) -> libc::msghdr {
    // SAFETY: a struct of integers and pointers, for which zeros stand for nothing.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = iov;
    message.msg_iovlen = 1;
    if length > 0 {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = length as _;
    }
    message
}

/// Sends bytes and descriptors as one message. Returns how many bytes were sent; on a stream that may
/// be fewer than there are, and then the descriptors went with the first of them.
///
/// A write to a socket whose peer is gone is `EPIPE` and raises no signal. `flags` are the `MSG_*`
/// constants of [`crate::constants`].
///
/// # Errors
/// `EINVAL`: more than [`MAX_FDS`] descriptors, or descriptors without a byte of data, which a
/// stream would drop silently; `EBADF`, `ENOTSOCK`, `EAGAIN`, `EPIPE`, `ECONNRESET`;
/// `EMSGSIZE`: too long for one message; `ETOOMANYREFS`: too many descriptors in flight.
///
/// ```
/// use fdkit::ipc::{Kind, recv_fds, send_fds, socketpair};
/// use std::os::fd::AsFd;
///
/// let (one, other) = socketpair(Kind::Stream)?;
/// send_fds(one.as_fd(), b"stdin", &[std::io::stdin().as_fd()], 0)?;
/// let mut buffer = [0; 100];
/// let received = recv_fds(other.as_fd(), &mut buffer, 1, 0)?;
/// assert_eq!((received.length, received.fds.len()), (5, 1));
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn send_fds(
    socket: BorrowedFd<'_>,
    data: &[u8],
    fds: &[BorrowedFd<'_>],
    flags: i32,
) -> Result<usize> {
    if fds.len() > MAX_FDS || data.is_empty() && !fds.is_empty() {
        return Err(Error::new(libc::EINVAL, "sendmsg"));
    }
    let mut control = Control::new();
    let mut iov = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let length = if fds.is_empty() { 0 } else { control_length(fds.len()) };
    let message = header(&mut iov, &mut control, length);
    // SAFETY: the message has control data as long as it says, or none.
    let first = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    if !first.is_null() && !fds.is_empty() {
        let numbers: Vec<libc::c_int> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        // SAFETY: the header stands at the beginning of the control data, which is aligned for it.
        let head = unsafe { &mut *first };
        head.cmsg_level = libc::SOL_SOCKET;
        head.cmsg_type = libc::SCM_RIGHTS;
        // SAFETY: it computes a number.
        head.cmsg_len = unsafe { libc::CMSG_LEN((numbers.len() * FD_SIZE) as u32) } as _;
        // SAFETY: the data behind the header.
        let data = unsafe { libc::CMSG_DATA(first) };
        // SAFETY: there is room for MAX_FDS numbers.
        unsafe {
            ptr::copy_nonoverlapping(numbers.as_ptr().cast::<u8>(), data, numbers.len() * FD_SIZE)
        };
    }
    let sent = retry_libc("sendmsg", || {
        // SAFETY: the message and what it points to outlive the call.
        let sent = unsafe {
            libc::sendmsg(
                socket.as_raw_fd(),
                &raw const message,
                flags::to_kernel(flags) | no_signal(),
            )
        };
        sent as libc::c_long
    })?;
    Ok(sent as usize)
}

/// Receives bytes, and the descriptors that come with them. If `max_fds` leaves no room for some of
/// the descriptors, the kernel closes those and sets `MSG_CTRUNC` in the flags.
///
/// On a stream, bytes that were sent before a message with descriptors may arrive with it.
/// No byte at all means the end of the stream.
///
/// # Errors
/// `EBADF`, `ENOTSOCK`, `EAGAIN`, `ECONNRESET`; `EINVAL`: `max_fds` is more than [`MAX_FDS`].
pub fn recv_fds(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    max_fds: usize,
    flags: i32,
) -> Result<Received> {
    if max_fds > MAX_FDS {
        return Err(Error::new(libc::EINVAL, "recvmsg"));
    }
    let mut control = Control::new();
    let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let length = if max_fds == 0 { 0 } else { control_length(max_fds) };
    let mut message = header(&mut iov, &mut control, length);
    let count = retry_libc("recvmsg", || {
        // SAFETY: the message and what it points to outlive the call.
        let count = unsafe {
            libc::recvmsg(
                socket.as_raw_fd(),
                &raw mut message,
                flags::to_kernel(flags) | close_on_exec(),
            )
        };
        count as libc::c_long
    })?;
    let fds = take_fds(&message);
    #[cfg(not(target_os = "linux"))]
    for fd in &fds {
        use std::os::fd::AsFd;
        crate::files::descriptors::set_inheritable(fd.as_fd(), false)?;
    }
    let flags = flags::from_kernel(message.msg_flags & !close_on_exec());
    Ok(Received { length: count as usize, fds, flags })
}

fn take_fds(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut fds = Vec::new();
    // SAFETY: the kernel has filled the control data, and says how much.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !next.is_null() {
        // SAFETY: a header that the kernel wrote.
        let head = unsafe { &*next };
        if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: it computes a number.
            let start = unsafe { libc::CMSG_LEN(0) } as usize;
            let count = (head.cmsg_len as usize).saturating_sub(start) / FD_SIZE;
            // SAFETY: the data behind the header.
            let data = unsafe { libc::CMSG_DATA(next) };
            for index in 0..count {
                let number = data.cast::<libc::c_int>().wrapping_add(index);
                // SAFETY: there are `count` numbers. They may be unaligned.
                let number = unsafe { ptr::read_unaligned(number) };
                // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
                fds.push(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
        // SAFETY: as for the first one.
        next = unsafe { libc::CMSG_NXTHDR(message, next) };
    }
    fds
}

#[cfg(target_os = "linux")]
const fn no_signal() -> i32 {
    libc::MSG_NOSIGNAL
}

// macOS has an option of the socket for it, `SO_NOSIGPIPE`. Node.js ignores the signal anyway.
#[cfg(not(target_os = "linux"))]
const fn no_signal() -> i32 {
    0
}

#[cfg(target_os = "linux")]
const fn close_on_exec() -> i32 {
    libc::MSG_CMSG_CLOEXEC
}

#[cfg(not(target_os = "linux"))]
const fn close_on_exec() -> i32 {
    0
}

// The constants have Linux's values on every platform.
#[cfg(target_os = "linux")]
mod flags {
    pub(super) const fn to_kernel(flags: i32) -> i32 {
        flags
    }

    pub(super) const fn from_kernel(flags: i32) -> i32 {
        flags
    }
}

#[cfg(not(target_os = "linux"))]
mod flags {
    use crate::constants::{MSG_CTRUNC, MSG_DONTWAIT, MSG_EOR, MSG_PEEK, MSG_TRUNC, MSG_WAITALL};

    const NUMBERS: [(i32, i32); 6] = [
        (MSG_PEEK, libc::MSG_PEEK),
        (MSG_CTRUNC, libc::MSG_CTRUNC),
        (MSG_TRUNC, libc::MSG_TRUNC),
        (MSG_DONTWAIT, libc::MSG_DONTWAIT),
        (MSG_EOR, libc::MSG_EOR),
        (MSG_WAITALL, libc::MSG_WAITALL),
    ];

    pub(super) fn to_kernel(flags: i32) -> i32 {
        let has = |(ours, theirs): &(i32, i32)| if flags & ours != 0 { *theirs } else { 0 };
        NUMBERS.iter().fold(0, |all, entry| all | has(entry))
    }

    pub(super) fn from_kernel(flags: i32) -> i32 {
        let has = |(ours, theirs): &(i32, i32)| if flags & theirs != 0 { *ours } else { 0 };
        NUMBERS.iter().fold(0, |all, entry| all | has(entry))
    }
}

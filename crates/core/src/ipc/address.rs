//! Creates, binds, connects and accepts Unix sockets, and identifies the peer.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::error::{Error, Result, retry, retry_libc};
use crate::files::names::openat;

/// The type of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes in order, without boundaries.
    Stream,
    /// Messages in order, over a connection. Not on macOS.
    Seqpacket,
    /// Messages, without a connection.
    Dgram,
}

impl Kind {
    fn number(self) -> i32 {
        match self {
            Self::Stream => libc::SOCK_STREAM,
            Self::Seqpacket => libc::SOCK_SEQPACKET,
            Self::Dgram => libc::SOCK_DGRAM,
        }
    }

    /// The type of an open Unix socket.
    ///
    /// # Errors
    /// `ENOTSOCK`: not a socket; `EBADF`: not open; `EPROTOTYPE`: not a Unix socket, or of another type.
    pub fn of(socket: BorrowedFd<'_>) -> Result<Self> {
        let (_, family) = local_address(socket)?;
        let unsupported = Error::new(libc::EPROTOTYPE, "getsockopt");
        if family != libc::AF_UNIX {
            return Err(unsupported);
        }
        match option::<i32>(socket, libc::SO_TYPE)? {
            libc::SOCK_STREAM => Ok(Self::Stream),
            libc::SOCK_SEQPACKET => Ok(Self::Seqpacket),
            libc::SOCK_DGRAM => Ok(Self::Dgram),
            _ => Err(unsupported),
        }
    }
}

/// Where a socket is found.
#[derive(Clone, Copy, Debug)]
pub enum Address<'path> {
    /// A path; relative to a directory if one is given.
    Path(&'path [u8], Option<BorrowedFd<'path>>),
    /// A name that is in no directory (Linux).
    Abstract(&'path [u8]),
}

/// Makes two sockets that are connected to each other. Child processes do not inherit them.
///
/// # Errors
/// `EMFILE`, `ENFILE`; `EPROTONOSUPPORT`: no such type on this system.
pub fn socketpair(kind: Kind) -> Result<(OwnedFd, OwnedFd)> {
    let mut pair = [-1; 2];
    retry_libc("socketpair", || {
        // SAFETY: there is room for two numbers.
        let made = unsafe {
            libc::socketpair(libc::AF_UNIX, kind.number() | cloexec(), 0, pair.as_mut_ptr())
        };
        made.into()
    })?;
    let [one, other] = pair;
    let pair = (own(one)?, own(other)?);
    Ok(pair)
}

/// Makes a socket that is bound to an address, and listens unless it is of type `Dgram`. Its file
/// has the permissions `mode`, less the umask.
///
/// # Errors
/// `EADDRINUSE`: something is there; `EACCES`, `ENOENT`, `ENAMETOOLONG`; `EINVAL`: an abstract
/// address outside Linux.
pub fn bind(address: Address<'_>, kind: Kind, mode: u32, backlog: i32) -> Result<OwnedFd> {
    let socket = new(kind)?;
    // The file gets the permissions that its socket has.
    crate::files::attributes::fchmod(socket.as_fd(), mode)?;
    with_address(address, "bind", |address, length| {
        // SAFETY: the address has this length.
        let bound = unsafe { libc::bind(socket.as_raw_fd(), address, length) };
        result("bind", bound)
    })?;
    if kind != Kind::Dgram {
        // SAFETY: it takes numbers.
        result("listen", unsafe { libc::listen(socket.as_raw_fd(), backlog) })?;
    }
    Ok(socket)
}

/// Makes a socket that is connected to an address. It does not wait for the other side to accept.
///
/// # Errors
/// `EAGAIN`: the listener's queue is full; `ENOENT`, `ECONNREFUSED`: nobody listens; `EACCES`;
/// `EPROTOTYPE`: a socket of another type is there.
pub fn connect(address: Address<'_>, kind: Kind) -> Result<OwnedFd> {
    let socket = new(kind)?;
    set_blocking(socket.as_fd(), false)?;
    with_address(address, "connect", |address, length| {
        // SAFETY: the address has this length.
        let connected = unsafe { libc::connect(socket.as_raw_fd(), address, length) };
        result("connect", connected)
    })?;
    set_blocking(socket.as_fd(), true)?;
    Ok(socket)
}

/// Takes the next connection of a listening socket.
///
/// # Errors
/// `EAGAIN`: none is there and the socket does not block; `EMFILE`; `EINVAL`: it does not listen.
pub fn accept(socket: BorrowedFd<'_>) -> Result<OwnedFd> {
    let accepted = retry_libc("accept", || {
        // SAFETY: it asks for no address.
        let accepted = unsafe {
            #[cfg(target_os = "linux")]
            let accepted = libc::accept4(
                socket.as_raw_fd(),
                ptr::null_mut(),
                ptr::null_mut(),
                libc::SOCK_CLOEXEC,
            );
            #[cfg(not(target_os = "linux"))]
            let accepted = libc::accept(socket.as_raw_fd(), ptr::null_mut(), ptr::null_mut());
            accepted
        };
        accepted.into()
    })?;
    own(accepted as i32)
}

/// The process on the other side of a connection, at the time when the connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// The process, or `None` if the system does not say.
    pub pid: Option<u32>,
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
}

/// Returns the credentials of the process on the other side of a connection.
///
/// # Errors
/// `ENOTCONN`: not connected; `ENOTSOCK`, `EBADF`.
pub fn peer(socket: BorrowedFd<'_>) -> Result<PeerCredentials> {
    #[cfg(target_os = "linux")]
    {
        let credentials: libc::ucred = option(socket, libc::SO_PEERCRED)?;
        if credentials.pid == 0 && credentials.uid == u32::MAX {
            return Err(Error::new(libc::ENOTCONN, "getsockopt"));
        }
        let pid = u32::try_from(credentials.pid).ok();
        Ok(PeerCredentials { pid, uid: credentials.uid, gid: credentials.gid })
    }
    #[cfg(not(target_os = "linux"))]
    {
        let (mut uid, mut gid) = (0, 0);
        // SAFETY: there is room for two numbers.
        let asked = unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut uid, &raw mut gid) };
        result("getpeereid", asked)?;
        Ok(PeerCredentials { pid: peer_pid(socket), uid, gid })
    }
}

#[cfg(target_vendor = "apple")]
fn peer_pid(socket: BorrowedFd<'_>) -> Option<u32> {
    let pid: libc::pid_t = option_at(socket, libc::SOL_LOCAL, libc::LOCAL_PEERPID).ok()?;
    u32::try_from(pid).ok()
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn peer_pid(_socket: BorrowedFd<'_>) -> Option<u32> {
    None
}

/// Opens the process on the other side of a connection, which its number may no longer mean
/// (Linux 6.5).
///
/// # Errors
/// `ENOSYS`: the kernel cannot; `ESRCH`: that process is over and gone; as [`peer`].
pub fn peer_pidfd(socket: BorrowedFd<'_>) -> Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        const SO_PEERPIDFD: i32 = 77;
        let number = option::<i32>(socket, SO_PEERPIDFD).map_err(|error| {
            let is_unknown = error.is(libc::ENOPROTOOPT);
            if is_unknown { Error::new(libc::ENOSYS, "getsockopt") } else { error }
        })?;
        own(number)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = socket;
        Err(Error::new(libc::ENOSYS, "getsockopt"))
    }
}

#[cfg(target_os = "linux")]
const fn cloexec() -> i32 {
    libc::SOCK_CLOEXEC
}

#[cfg(not(target_os = "linux"))]
const fn cloexec() -> i32 {
    0
}

fn new(kind: Kind) -> Result<OwnedFd> {
    // SAFETY: it takes numbers.
    let made = unsafe { libc::socket(libc::AF_UNIX, kind.number() | cloexec(), 0) };
    result("socket", made)?;
    own(made)
}

pub(super) fn is_blocking(fd: BorrowedFd<'_>) -> bool {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = retry("fcntl", || fcntl(fd, FcntlArg::F_GETFL));
    flags.is_ok_and(|flags| !OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK))
}

pub(super) fn set_blocking(fd: BorrowedFd<'_>, blocks: bool) -> Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = retry("fcntl", || fcntl(fd, FcntlArg::F_GETFL))?;
    let mut flags = OFlag::from_bits_retain(flags);
    flags.set(OFlag::O_NONBLOCK, !blocks);
    retry("fcntl", || fcntl(fd, FcntlArg::F_SETFL(flags))).map(|_| ())
}

fn own(number: i32) -> Result<OwnedFd> {
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    #[cfg(not(target_os = "linux"))]
    crate::files::descriptors::set_inheritable(fd.as_fd(), false)?;
    Ok(fd)
}

fn result(syscall: &'static str, result: i32) -> Result<()> {
    if result == -1 { Err(Error::last(syscall)) } else { Ok(()) }
}

/// Returns an option of the socket layer. `T` must be a number or a struct of numbers.
pub(super) fn option<T>(socket: BorrowedFd<'_>, name: i32) -> Result<T> {
    option_at(socket, libc::SOL_SOCKET, name)
}

fn option_at<T>(socket: BorrowedFd<'_>, level: i32, name: i32) -> Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the value has room for this length.
    let asked = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    result("getsockopt", asked)?;
    // SAFETY: it is only called for numbers and structs of numbers, zeroed and then filled.
    Ok(unsafe { value.assume_init() })
}

fn local_address(socket: BorrowedFd<'_>) -> Result<(libc::sockaddr_un, i32)> {
    // SAFETY: a struct of integers.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the value has room for this length.
    let asked = unsafe {
        libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &raw mut length)
    };
    result("getsockname", asked)?;
    Ok((address, i32::from(address.sun_family)))
}

/// Calls with the address as the kernel takes it. A path that is too long for the kernel's structure,
/// or relative to a directory, is passed by way of the link of an open directory in /proc.
fn with_address<T>(
    address: Address<'_>,
    syscall: &'static str,
    call: impl Fn(*const libc::sockaddr, libc::socklen_t) -> Result<T>,
) -> Result<T> {
    // SAFETY: a struct of integers.
    let mut found: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    let room = found.sun_path.len();
    let too_long = Error::new(libc::ENAMETOOLONG, syscall);
    found.sun_family = libc::AF_UNIX as _;
    let mut directory = None;
    let (bytes, terminator) = match address {
        Address::Path(b"", _) => return Err(Error::new(libc::ENOENT, syscall)),
        Address::Path(path, dir_fd) => {
            let is_absolute = path.first() == Some(&b'/');
            let bytes = match dir_fd {
                Some(_) if !is_absolute && !cfg!(target_os = "linux") => {
                    return Err(Error::new(libc::ENOTSUP, syscall));
                }
                Some(fd) if !is_absolute => {
                    [format!("/proc/self/fd/{}/", fd.as_raw_fd()).as_bytes(), path].concat()
                }
                _ => path.to_vec(),
            };
            (shorten(bytes, room, &mut directory)?, 1)
        }
        Address::Abstract(_) if !cfg!(target_os = "linux") => {
            return Err(Error::new(libc::EINVAL, syscall));
        }
        Address::Abstract(name) => ([b"\0", name].concat(), 0),
    };
    if bytes.len() + terminator > room {
        return Err(too_long);
    }
    for (to, from) in found.sun_path.iter_mut().zip(&bytes) {
        *to = *from as libc::c_char;
    }
    let length = std::mem::offset_of!(libc::sockaddr_un, sun_path) + bytes.len() + terminator;
    call((&raw const found).cast(), length as libc::socklen_t)
}

fn shorten(path: Vec<u8>, room: usize, directory: &mut Option<OwnedFd>) -> Result<Vec<u8>> {
    if path.len() < room || !cfg!(target_os = "linux") {
        return Ok(path);
    }
    let slash = path.iter().rposition(|&byte| byte == b'/');
    let Some((above, name)) = slash.and_then(|slash| path.split_at_checked(slash)) else {
        return Ok(path);
    };
    let above = CString::new(above).map_err(|_| Error::new(libc::EINVAL, "openat"))?;
    let opened = openat(None, &above, libc::O_DIRECTORY, 0)?;
    let short = [format!("/proc/self/fd/{}", opened.as_raw_fd()).as_bytes(), name].concat();
    *directory = Some(opened);
    Ok(short)
}

//! Tests reading and writing at positions, truncation and allocation.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;

use fdkit::constants::*;
use fdkit::memory::io::{fallocate, ftruncate};
use fdkit::memory::memfd::{add_seals, memfd_create};

fn memfd() -> File {
    File::from(memfd_create(c"io", MFD_CLOEXEC | MFD_ALLOW_SEALING).unwrap())
}

fn pread(fd: BorrowedFd<'_>, buffer: &mut [u8], position: u64) -> fdkit::Result<usize> {
    // SAFETY: pointer and length are those of the slice, which is borrowed exclusively.
    unsafe { fdkit::memory::io::pread(fd, buffer.as_mut_ptr(), buffer.len(), position) }
}

fn pwrite(fd: BorrowedFd<'_>, bytes: &[u8], position: u64) -> fdkit::Result<()> {
    // SAFETY: pointer and length are those of the slice.
    unsafe { fdkit::memory::io::pwrite(fd, bytes.as_ptr(), bytes.len(), position) }
}

fn failed<T: std::fmt::Debug>(result: fdkit::Result<T>) -> (&'static str, i32) {
    let error = result.unwrap_err();
    (error.syscall(), error.errno())
}

fn size(file: &File) -> u64 {
    file.metadata().unwrap().len()
}

#[test]
fn pread_returns_what_pwrite_wrote_and_the_offset_stays() {
    let mut file = memfd();
    file.write_all(b"start").unwrap();
    for position in [0, 1, 4096, (1 << 31) - 2, 1 << 31, (1 << 32) - 1, 1 << 40] {
        pwrite(file.as_fd(), b"text", position).unwrap();
        let mut back = [0; 4];
        assert_eq!(pread(file.as_fd(), &mut back, position).unwrap(), 4);
        assert_eq!(&back, b"text");
    }
    assert_eq!(file.stream_position().unwrap(), 5);
}

#[test]
fn a_read_stops_at_the_end_and_a_write_extends_the_file() {
    let file = memfd();
    let mut buffer = [b'x'; 8];
    assert_eq!(pread(file.as_fd(), &mut buffer, 0).unwrap(), 0);
    pwrite(file.as_fd(), b"abc", 2).unwrap();
    assert_eq!(size(&file), 5);
    assert_eq!(pread(file.as_fd(), &mut buffer, 1).unwrap(), 4);
    assert_eq!(&buffer, b"\0abcxxxx");
    assert_eq!(pread(file.as_fd(), &mut buffer, 5).unwrap(), 0);
    assert_eq!(pread(file.as_fd(), &mut buffer, 1 << 60).unwrap(), 0);
}

#[test]
fn an_empty_buffer_makes_no_system_call() {
    let file = memfd();
    pwrite(file.as_fd(), b"", u64::MAX).unwrap();
    assert_eq!(pread(file.as_fd(), &mut [], u64::MAX).unwrap(), 0);
    assert_eq!(size(&file), 0);
}

#[test]
fn positions_out_of_range_are_errors() {
    let file = memfd();
    for position in [1 << 63, u64::MAX] {
        assert_eq!(failed(pread(file.as_fd(), &mut [0], position)), ("pread", libc::EFBIG));
        assert_eq!(failed(pwrite(file.as_fd(), b"x", position)), ("pwrite", libc::EFBIG));
        assert_eq!(failed(ftruncate(file.as_fd(), position)), ("ftruncate", libc::EFBIG));
        assert_eq!(failed(fallocate(file.as_fd(), position, 1)), ("fallocate", libc::EFBIG));
        assert_eq!(failed(fallocate(file.as_fd(), 0, position)), ("fallocate", libc::EFBIG));
    }
    assert_eq!(size(&file), 0);
}

#[test]
fn pipes_and_read_only_descriptors_are_errors() {
    let (reader, writer) = std::io::pipe().unwrap();
    assert_eq!(failed(pread(reader.as_fd(), &mut [0], 0)), ("pread", libc::ESPIPE));
    assert_eq!(failed(pwrite(writer.as_fd(), b"x", 0)), ("pwrite", libc::ESPIPE));
    assert_eq!(failed(fallocate(writer.as_fd(), 0, 1)), ("fallocate", libc::ESPIPE));
    let file = memfd();
    let reader = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    assert_eq!(failed(pwrite(reader.as_fd(), b"x", 0)), ("pwrite", libc::EBADF));
    assert_eq!(failed(ftruncate(reader.as_fd(), 1)), ("ftruncate", libc::EINVAL));
    assert_eq!(failed(fallocate(reader.as_fd(), 0, 1)), ("fallocate", libc::EBADF));
    assert_eq!(
        failed(pread(File::open("/").unwrap().as_fd(), &mut [0], 0)),
        ("pread", libc::EISDIR)
    );
}

#[test]
fn ftruncate_reserves_nothing_and_fallocate_everything() {
    let file = memfd();
    ftruncate(file.as_fd(), 1 << 40).unwrap();
    assert_eq!((size(&file), file.metadata().unwrap().blocks()), (1 << 40, 0));
    ftruncate(file.as_fd(), 0).unwrap();
    fallocate(file.as_fd(), 0, 1 << 20).unwrap();
    assert_eq!((size(&file), file.metadata().unwrap().blocks() * 512), (1 << 20, 1 << 20));
    fallocate(file.as_fd(), 1 << 30, 1).unwrap();
    assert_eq!(size(&file), (1 << 30) + 1);
    assert_eq!(failed(fallocate(file.as_fd(), 0, 0)), ("fallocate", libc::EINVAL));
}

#[test]
fn fallocate_keeps_the_contents() {
    let file = memfd();
    pwrite(file.as_fd(), b"text", 0).unwrap();
    fallocate(file.as_fd(), 0, 2).unwrap();
    assert_eq!(size(&file), 4);
    fallocate(file.as_fd(), 0, 10_000).unwrap();
    let mut back = [1; 6];
    pread(file.as_fd(), &mut back, 0).unwrap();
    assert_eq!(&back, b"text\0\0");
}

#[test]
fn operations_that_seals_forbid_are_eperm() {
    let file = memfd();
    pwrite(file.as_fd(), b"text", 0).unwrap();
    add_seals(file.as_fd(), F_SEAL_GROW).unwrap();
    assert_eq!(failed(pwrite(file.as_fd(), b"x", 4)), ("pwrite", libc::EPERM));
    assert_eq!(failed(ftruncate(file.as_fd(), 5)), ("ftruncate", libc::EPERM));
    assert_eq!(failed(fallocate(file.as_fd(), 0, 5)), ("fallocate", libc::EPERM));
    pwrite(file.as_fd(), b"TEXT", 0).unwrap();
    add_seals(file.as_fd(), F_SEAL_SHRINK | F_SEAL_WRITE).unwrap();
    assert_eq!(failed(ftruncate(file.as_fd(), 3)), ("ftruncate", libc::EPERM));
    assert_eq!(failed(pwrite(file.as_fd(), b"x", 0)), ("pwrite", libc::EPERM));
}

#[test]
fn a_write_beyond_the_end_of_a_grow_sealed_file_is_an_error() {
    let file = memfd();
    ftruncate(file.as_fd(), 4096).unwrap();
    add_seals(file.as_fd(), F_SEAL_GROW).unwrap();
    assert_eq!(failed(pwrite(file.as_fd(), b"12345678", 4092)), ("pwrite", libc::EPERM));
    assert_eq!(size(&file), 4096);
}

#[test]
fn buffers_of_mebibytes_are_written_and_read_whole() {
    let file = memfd();
    let bytes: Vec<u8> = (0..3_000_001_u32).map(|at| (at % 251) as u8).collect();
    pwrite(file.as_fd(), &bytes, 7).unwrap();
    let mut back = vec![0; bytes.len() + 10];
    assert_eq!(pread(file.as_fd(), &mut back, 7).unwrap(), bytes.len());
    assert!(back.starts_with(&bytes));
}

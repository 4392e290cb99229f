//! Tests mapping files into memory.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;

use fdkit::constants::*;
use fdkit::memory::mapping::{MapOptions, Mapping, page_size};
use fdkit::memory::memfd::{add_seals, get_seals, memfd_create};
use fdkit::{Error, Reason};

fn memfd(size: usize) -> File {
    let file = File::from(memfd_create(c"mapped", MFD_CLOEXEC | MFD_ALLOW_SEALING).unwrap());
    file.write_all_at(&vec![b'a'; size], 0).unwrap();
    file
}

fn map(file: &File, options: MapOptions) -> Result<Mapping, Error> {
    Mapping::mmap(file.as_fd(), &options)
}

fn failure(file: &File, options: MapOptions) -> (&'static str, i32) {
    let error = map(file, options).unwrap_err();
    (error.syscall(), error.errno())
}

fn read(mapping: &Mapping, at: usize) -> u8 {
    assert!(at < mapping.len());
    // SAFETY: it is in the mapping.
    unsafe { mapping.as_ptr().wrapping_add(at).read_volatile() }
}

fn write(mapping: &Mapping, at: usize, byte: u8) {
    assert!(at < mapping.len());
    // SAFETY: it is in the mapping.
    unsafe { mapping.as_ptr().wrapping_add(at).write_volatile(byte) };
}

fn byte(file: &File, at: u64) -> u8 {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    byte[0]
}

/// Counts the mappings of files of this name in the process.
fn count(name: &str) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains(&format!("/memfd:{name}"))).count()
}

const DEFAULT: MapOptions =
    MapOptions { offset: 0, length: None, writable: None, may_shrink: false, populate: false };

#[test]
fn the_mapping_and_the_file_share_their_contents() {
    let file = memfd(10);
    let (one, other) = (map(&file, DEFAULT).unwrap(), map(&file, DEFAULT).unwrap());
    assert_eq!((one.len(), read(&one, 9)), (10, b'a'));
    write(&one, 0, b'b');
    assert_eq!((byte(&file, 0), read(&other, 0)), (b'b', b'b'));
    file.write_all_at(b"c", 1).unwrap();
    assert_eq!(read(&one, 1), b'c');
}

#[test]
fn a_mapping_never_extends_beyond_the_file() {
    let page = page_size();
    for size in [1, page - 1, page, page + 1, 2 * page] {
        let file = memfd(size);
        for offset in [0, page, 2 * page] {
            for length in [None, Some(1), Some(page), Some(page + 1)] {
                let length = length.map(|length| length as u64);
                let options = MapOptions { offset: offset as u64, length, ..DEFAULT };
                let left = size.saturating_sub(offset);
                if left == 0 || length.is_some_and(|length| length > left as u64) {
                    assert_eq!(failure(&file, options), ("mmap", libc::EINVAL), "{options:?}");
                } else {
                    let mapping = map(&file, options).unwrap();
                    let expected = length.map_or(left, |length| usize::try_from(length).unwrap());
                    assert_eq!(mapping.len(), expected, "{options:?}");
                    assert_eq!(read(&mapping, mapping.len() - 1), b'a');
                }
            }
        }
    }
}

#[test]
fn empty_ranges_and_invalid_offsets_are_einval() {
    let file = memfd(100);
    for options in [
        MapOptions { length: Some(0), ..DEFAULT },
        MapOptions { offset: 1, ..DEFAULT },
        MapOptions { offset: 100, ..DEFAULT },
        MapOptions { offset: u64::MAX, ..DEFAULT },
        MapOptions { length: Some(u64::MAX), ..DEFAULT },
        MapOptions { offset: u64::MAX, length: Some(u64::MAX), ..DEFAULT },
    ] {
        assert_eq!(failure(&file, options), ("mmap", libc::EINVAL), "{options:?}");
    }
    assert_eq!(failure(&memfd(0), DEFAULT), ("mmap", libc::EINVAL));
}

#[test]
fn a_file_that_could_shrink_is_sealed_or_refused() {
    let file = memfd(10);
    drop(map(&file, MapOptions { may_shrink: true, ..DEFAULT }).unwrap());
    assert_eq!(get_seals(file.as_fd()).unwrap(), 0);
    drop(map(&file, DEFAULT).unwrap());
    assert_eq!(get_seals(file.as_fd()).unwrap(), F_SEAL_SHRINK);

    let final_one = memfd(10);
    add_seals(final_one.as_fd(), F_SEAL_SEAL).unwrap();
    assert_eq!(failure(&final_one, DEFAULT), ("fcntl", libc::EPERM));
    assert!(map(&final_one, MapOptions { may_shrink: true, ..DEFAULT }).is_ok());
    assert_eq!(failure(&File::open("/dev/null").unwrap(), DEFAULT), ("fcntl", libc::EINVAL));
}

#[test]
fn a_write_sealed_file_is_mapped_privately_by_any_readable_descriptor() {
    for seal in [F_SEAL_WRITE, F_SEAL_FUTURE_WRITE] {
        let file = memfd(10);
        add_seals(file.as_fd(), seal | F_SEAL_SHRINK).unwrap();
        let reader = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
        for each in [&file, &reader] {
            for writable in [None, Some(false)] {
                let mapping = map(each, MapOptions { writable, ..DEFAULT }).unwrap();
                write(&mapping, 0, b'b');
                assert_eq!((read(&mapping, 0), byte(&file, 0)), (b'b', b'a'));
            }
        }
        let writable = MapOptions { writable: Some(true), ..DEFAULT };
        assert_eq!(failure(&file, writable), ("mmap", libc::EPERM));
        assert_eq!(failure(&reader, writable), ("mmap", libc::EACCES));
    }
}

#[test]
fn a_file_that_is_not_write_sealed_is_mapped_privately_only_if_asked() {
    let file = memfd(10);
    add_seals(file.as_fd(), F_SEAL_SHRINK).unwrap();
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let reader = File::open(&path).unwrap();
    assert_eq!(failure(&reader, DEFAULT), ("mmap", libc::EACCES));
    let privately = MapOptions { writable: Some(false), ..DEFAULT };
    assert_eq!(read(&map(&reader, privately).unwrap(), 0), b'a');
    let writer = File::options().write(true).open(&path).unwrap();
    assert_eq!(failure(&writer, privately), ("mmap", libc::EACCES));
}

#[test]
fn other_types_of_files_are_enodev() {
    let unsafely = MapOptions { may_shrink: true, writable: Some(false), ..DEFAULT };
    for path in ["/", "/dev/null", "/dev/zero"] {
        let file = File::open(path).unwrap();
        assert_eq!(failure(&file, unsafely), ("mmap", libc::ENODEV), "{path}");
    }
}

#[test]
fn a_mapping_outlives_its_descriptor_and_is_unmapped_by_drop() {
    let file = File::from(memfd_create(c"outlives", MFD_ALLOW_SEALING).unwrap());
    file.write_all_at(b"text", 0).unwrap();
    let (one, two) = (map(&file, DEFAULT).unwrap(), map(&file, DEFAULT).unwrap());
    drop(file);
    assert_eq!((read(&one, 0), count("outlives")), (b't', 2));
    drop(one);
    assert_eq!((read(&two, 0), count("outlives")), (b't', 1));
    two.munmap().unwrap();
    assert_eq!(count("outlives"), 0);
}

#[test]
fn an_abandoned_mapping_becomes_zeros_and_releases_the_file() {
    for writable in [None, Some(false)] {
        let file = File::from(memfd_create(c"abandoned", MFD_ALLOW_SEALING).unwrap());
        file.write_all_at(b"text", 0).unwrap();
        let mapping = map(&file, MapOptions { writable, ..DEFAULT }).unwrap();
        let address = mapping.as_ptr();
        mapping.abandon();
        assert_eq!(count("abandoned"), 0);
        // SAFETY: the range stays mapped.
        assert_eq!(unsafe { address.read_volatile() }, 0);
        // SAFETY: as above.
        unsafe { address.write_volatile(1) };
        assert_eq!(byte(&file, 0), b't');
    }
}

#[test]
fn futex_words_of_a_private_mapping_are_those_of_the_file() {
    let file = memfd(page_size() + 8);
    let shared = map(&file, DEFAULT).unwrap();
    assert_eq!(shared.futex_word(4).unwrap().addr(), shared.as_ptr().addr() + 4);
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let reader = File::open(path).unwrap();
    for each in [&file, &reader] {
        let private = map(each, MapOptions { writable: Some(false), ..DEFAULT }).unwrap();
        let word = private.futex_word(page_size() + 4).unwrap();
        assert_ne!(word.addr(), private.as_ptr().addr() + page_size() + 4);
        for byte in [b'b', b'c'] {
            write(&shared, page_size() + 4, byte);
            // SAFETY: the word is in a live mapping.
            assert_eq!(unsafe { word.cast::<u8>().read_volatile() }, byte);
        }
        for beyond in [page_size() + 8, usize::MAX] {
            assert_eq!(private.futex_word(beyond).unwrap_err().errno(), libc::EINVAL);
        }
    }
    assert_eq!(shared.futex_word(page_size() + 8).unwrap_err().errno(), libc::EINVAL);
}

#[test]
fn a_file_with_a_writable_mapping_cannot_be_write_sealed() {
    let file = memfd(10);
    let privately = map(&file, MapOptions { writable: Some(false), ..DEFAULT }).unwrap();
    let mapping = map(&file, DEFAULT).unwrap();
    assert_eq!(add_seals(file.as_fd(), F_SEAL_WRITE).unwrap_err().errno(), libc::EBUSY);
    drop(mapping);
    add_seals(file.as_fd(), F_SEAL_WRITE).unwrap();
    assert_eq!(read(&privately, 0), b'a');
}

#[test]
fn a_length_beyond_the_address_space_is_enomem() {
    let file = memfd(1);
    file.set_len(1 << 50).unwrap();
    assert_eq!(failure(&file, DEFAULT), ("mmap", libc::ENOMEM));
    let last = MapOptions { offset: (1 << 50) - page_size() as u64, ..DEFAULT };
    assert_eq!(map(&file, last).unwrap().len(), page_size());
}

#[test]
fn threads_share_a_mapping() {
    let file = memfd(10);
    let mapping = map(&file, DEFAULT).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| write(&mapping, 3, b'z'));
    });
    assert_eq!((read(&mapping, 3), byte(&file, 3)), (b'z', b'z'));
}

#[test]
fn a_failure_has_the_reason_why_the_file_cannot_be_mapped() {
    let reason = |file: &File, options| map(file, options).unwrap_err().reason();
    let page = page_size() as u64;
    assert_eq!(reason(&memfd(0), DEFAULT), Some(Reason::Empty));
    let short = memfd(10);
    for (offset, length) in [(page, None), (page, Some(1)), (0, Some(11)), (0, Some(u64::MAX))] {
        let options = MapOptions { offset, length, ..DEFAULT };
        assert_eq!(reason(&short, options), Some(Reason::BeyondEnd(10)), "{offset} {length:?}");
    }
    let unaligned = MapOptions { offset: 1, ..DEFAULT };
    assert_eq!(map(&short, unaligned).unwrap_err(), Error::new(libc::EINVAL, "mmap"));
    let none = MapOptions { length: Some(0), ..DEFAULT };
    assert_eq!(map(&short, none).unwrap_err(), Error::new(libc::EINVAL, "mmap"));

    let may_shrink = MapOptions { may_shrink: true, ..DEFAULT };
    let on_disk = File::open("Cargo.toml").unwrap();
    assert_eq!(reason(&on_disk, DEFAULT), Some(Reason::MayShrink));
    assert_eq!(reason(&on_disk, may_shrink), Some(Reason::AccessMode));
    assert_eq!(reason(&File::open("/dev/null").unwrap(), may_shrink), Some(Reason::NotMappable));
    let unsealable = File::from(memfd_create(c"", MFD_CLOEXEC).unwrap());
    unsealable.write_all_at(b"text", 0).unwrap();
    assert_eq!(reason(&unsealable, DEFAULT), Some(Reason::MayShrink));

    let sealed = memfd(10);
    add_seals(sealed.as_fd(), F_SEAL_WRITE).unwrap();
    let writable = MapOptions { writable: Some(true), ..DEFAULT };
    assert_eq!(reason(&sealed, writable), Some(Reason::WriteSealed));
    let shared = map(&short, DEFAULT).unwrap();
    let error = add_seals(short.as_fd(), F_SEAL_WRITE).unwrap_err();
    assert_eq!((error.errno(), error.reason()), (libc::EBUSY, Some(Reason::WritableMapping)));
    drop(shared);
    add_seals(short.as_fd(), F_SEAL_WRITE).unwrap();
}

//! Tests that constants equal those of the C library, if it has them.
#![cfg(target_os = "linux")]

use fdkit::constants::*;

macro_rules! as_in_libc {
    ($($name:ident),* $(,)?) => {
        $(assert_eq!(i64::from($name), i64::from(libc::$name), stringify!($name));)*
    };
}

#[test]
fn flags_of_memory_files_equal_those_of_libc() {
    as_in_libc!(MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_NOEXEC_SEAL, MFD_EXEC);
}

#[test]
fn sizes_of_huge_pages_equal_those_of_libc() {
    as_in_libc!(
        MFD_HUGE_64KB,
        MFD_HUGE_512KB,
        MFD_HUGE_1MB,
        MFD_HUGE_2MB,
        MFD_HUGE_8MB,
        MFD_HUGE_16MB,
        MFD_HUGE_32MB,
        MFD_HUGE_256MB,
        MFD_HUGE_512MB,
        MFD_HUGE_1GB,
        MFD_HUGE_2GB,
        MFD_HUGE_16GB,
    );
    as_in_libc!(MFD_HUGE_SHIFT, MFD_HUGE_MASK);
    assert_eq!((MFD_HUGE_16GB >> MFD_HUGE_SHIFT) & MFD_HUGE_MASK, (16_u64 << 30).ilog2());
}

#[test]
fn seals_equal_those_of_libc() {
    as_in_libc!(
        F_SEAL_SEAL,
        F_SEAL_SHRINK,
        F_SEAL_GROW,
        F_SEAL_WRITE,
        F_SEAL_FUTURE_WRITE,
        F_SEAL_EXEC,
    );
}

#[test]
fn flags_of_file_systems_equal_those_of_libc() {
    macro_rules! as_in_libc {
        ($($name:ident),* $(,)?) => {
            $(assert_eq!($name, libc::$name, stringify!($name));)*
        };
    }
    as_in_libc!(
        ST_RDONLY,
        ST_NOSUID,
        ST_NODEV,
        ST_NOEXEC,
        ST_SYNCHRONOUS,
        ST_MANDLOCK,
        ST_NOATIME,
        ST_NODIRATIME
    );
    // The libc crate has it for glibc only.
    #[cfg(target_env = "gnu")]
    as_in_libc!(ST_RELATIME);
}

//! Tests the entries of a directory and their types.
#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};

use fdkit::FileType;
use fdkit::files::listing::{scandir, scandir_fd};

#[test]
fn entries_have_types_inodes_and_the_types_of_link_targets() {
    let top = std::env::temp_dir().join(format!("fdkit-listing-{}", std::process::id()));
    fs::create_dir_all(top.join("dir")).unwrap();
    fs::write(top.join("file"), "").unwrap();
    symlink("dir", top.join("toDir")).unwrap();
    symlink("nothing", top.join("toNothing")).unwrap();
    let fd: OwnedFd = fs::File::open(&top).unwrap().into();
    for resolves in [false, true] {
        let mut by_path = scandir(Some(fd.as_fd()), c".", resolves).unwrap();
        let mut by_fd = scandir_fd(fd.as_fd(), resolves).unwrap();
        by_path.sort_by(|a, b| a.name.cmp(&b.name));
        by_fd.sort_by(|a, b| a.name.cmp(&b.name));
        for entries in [by_path, by_fd] {
            let link = FileType::SymbolicLink;
            let found: Vec<_> = entries.iter().map(|e| (e.file_type, e.target_type)).collect();
            let target = resolves.then_some(FileType::Directory);
            let types =
                [(FileType::Directory, None), (FileType::File, None), (link, target), (link, None)];
            assert_eq!(found, types);
            for entry in &entries {
                let path = top.join(entry.name.to_str().unwrap());
                assert_eq!(entry.ino, fs::symlink_metadata(path).unwrap().ino());
            }
        }
    }
    fs::remove_dir_all(&top).ok();
}

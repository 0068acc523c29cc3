//! The data folder and the disk under it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, FlockOperation, access, flock, statfs, statvfs};

use crate::doctor::{Check, Section};
use crate::terminal;

/// Below this an operator wants to know.
const FREE_BYTES_LOW: u64 = 5_000_000_000;

pub(super) fn section(folder: &Path, floor: u64) -> Section {
    let shown = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let shown = shown.display().to_string();
    let existing = existing_ancestor(folder);
    let mut checks = vec![writable(&existing, &shown, folder.exists())];
    checks.push(file_system(&existing));
    checks.extend(free(&existing, floor));
    checks.push(match holder(folder) {
        None => Check::ok("lock", "no server uses it"),
        Some(pid) => Check::note("lock", format!("in use by a server (process {})", pid.trim())),
    });
    Section { title: format!("Data folder {shown}"), checks }
}

fn writable(existing: &Path, shown: &str, exists: bool) -> Check {
    if access(existing, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let user = rustix::process::getuid().as_raw();
        let fix = format!("mkdir -p {shown} && chown {user} {shown}, as root");
        let said = format!("{} cannot be written by this user", existing.display());
        return Check::broken("writable", said, fix);
    }
    match exists {
        true => Check::ok("writable", "yes"),
        false => Check::ok("writable", "yes; it is made when the server starts"),
    }
}

fn file_system(existing: &Path) -> Check {
    match statfs(existing) {
        Err(error) => Check::note("file system", format!("unknown: {error}")),
        Ok(disk) => match kind(disk.f_type as u32) {
            (name, false) => Check::ok("file system", format!("{name}, local")),
            (name, true) => Check::broken(
                "file system",
                format!("{name}: neither locks nor fsync can be trusted over a network"),
                "imagehq serve --data FOLDER, on a local disk",
            ),
        },
    }
}

/// The name of a file system by its number, and whether it is on another machine.
fn kind(number: u32) -> (String, bool) {
    let (name, network) = match number {
        0xef53 => ("ext4", false),
        0x5846_5342 => ("XFS", false),
        0x9123_683e => ("Btrfs", false),
        0x2fc1_2fc1 => ("ZFS", false),
        0x0102_1994 => ("tmpfs (lost at the next boot)", false),
        0x794c_7630 => ("overlay", false),
        0x6969 => ("NFS", true),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => ("SMB", true),
        number => return (format!("number {number:#x}"), false),
    };
    (name.to_owned(), network)
}

fn free(existing: &Path, floor: u64) -> Option<Check> {
    let disk = statvfs(existing).ok()?;
    let free = disk.f_bavail * disk.f_frsize;
    let said = format!("{} free", terminal::bytes(free));
    Some(if free < floor {
        let said = format!("{said}, less than the floor of {}", terminal::bytes(floor));
        Check::broken("space", said, "make room; until then uploads are refused with 507")
    } else if free < FREE_BYTES_LOW {
        Check::note("space", format!("{said}, which is little"))
    } else {
        Check::ok("space", said)
    })
}

/// What the server that uses the folder wrote into its lock, or `None` when none does.
fn holder(folder: &Path) -> Option<String> {
    let mut lock = File::open(folder.join("lock")).ok()?;
    flock(&lock, FlockOperation::NonBlockingLockShared).err()?;
    let mut holder = String::new();
    lock.read_to_string(&mut holder).ok()?;
    Some(holder)
}

/// The nearest folder on the way to the path that exists.
fn existing_ancestor(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let exists = |path: &&Path| match path.metadata() {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::NotFound,
    };
    absolute.ancestors().find(exists).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_one_that_will_hold_it() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        assert_eq!(existing_ancestor(&folder), temp.path());
        assert!(section(&folder, 0).checks.iter().all(|check| check.status != Status::Broken));
        assert!(!folder.exists(), "looking must leave no trace");
    }

    #[test]
    fn a_server_that_uses_the_folder_is_seen() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(holder(temp.path()), None);
        let held = jobs::DataDir::open(temp.path()).unwrap();
        assert_eq!(holder(temp.path()).unwrap().trim(), std::process::id().to_string());
        drop(held);
        assert_eq!(holder(temp.path()), None);
    }

    #[test]
    fn a_full_disk_and_a_network_disk_are_broken() {
        let temp = tempfile::tempdir().unwrap();
        let space = free(temp.path(), u64::MAX).unwrap();
        assert_eq!(space.status, Status::Broken);
        assert!(kind(0x6969).1);
        assert!(!kind(0xef53).1);
    }
}

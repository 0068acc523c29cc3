//! The folder that holds the database and the blobs, locked against a second server.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// A data folder that this process holds alone, until the value is dropped or the process ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    // Held for its lock, which goes with the open file however the process ends.
    _lock: File,
}

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "the data folder {} is in use by another imagehq{}: stop that one, or choose another folder",
        path.display(),
        holder.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that has it, if it could write its number.
        holder: Option<u32>,
    },
    /// It is on a network file system, where neither locks nor SQLite can be trusted.
    #[error("the data folder {} is on a network file system: choose a local folder", path.display())]
    Network {
        /// The folder.
        path: PathBuf,
    },
    /// It cannot be created or written.
    #[error("the data folder {} cannot be used", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl DataDir {
    /// Creates the folder where it is missing, and locks it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DataDirError> {
        let path = path.into();
        let io = |source| DataDirError::Io { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(io)?;
        let mut options = File::options();
        let mut lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join("lock"))
            .map_err(io)?;
        if is_network(&lock).map_err(io)? {
            return Err(DataDirError::Network { path });
        }
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                let _ = lock.read_to_string(&mut pid);
                return Err(DataDirError::InUse { path, holder: pid.trim().parse().ok() });
            }
            Err(errno) => return Err(io(errno.into())),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(io)?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.path.join("jobs.sqlite3")
    }

    /// The folder of the blobs.
    pub fn blobs(&self) -> PathBuf {
        self.path.join("blobs")
    }
}

/// NFS, SMB, CIFS and SMB2 by their numbers in statfs(2).
fn is_network(file: &File) -> std::io::Result<bool> {
    let kind = rustix::fs::fstatfs(file)?.f_type as u64 & 0xFFFF_FFFF;
    Ok([0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42].contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_and_told_who_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let error = DataDir::open(file.join("data")).unwrap_err().to_string();
        assert!(error.ends_with("file/data cannot be used"), "{error}");
    }
}

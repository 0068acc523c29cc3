//! What a codec can complain about.

/// A complaint of a codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind of complaint.
    pub kind: ErrorKind,
    /// The codec's own words, or ours where it has none.
    pub message: String,
}

/// What kind of complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file breaks the rules of its format.
    Damaged,
    /// The file stops before its end.
    Truncated,
    /// The file uses a part of the format that the codec does not have.
    Unsupported,
    /// Over a limit that the caller set, or one of the format.
    Limit,
    /// There is no memory.
    Memory,
    /// The caller asked for something impossible.
    Misuse,
}

/// The result of a call into a codec.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the given kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The caller asked for something impossible.
    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Misuse, message)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

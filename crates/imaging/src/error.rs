//! What can go wrong with an image, by who must act.

/// A short kind to act on and a sentence to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Who must act.
    pub kind: ErrorKind,
    /// A lower-case fragment that reads after "failed: " and names the value and the limit.
    pub message: String,
    /// The pipeline step that was running, where there was one.
    pub step_index: Option<usize>,
}

/// Who must act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file is damaged: the caller sends another.
    Input,
    /// The file is sound but uses something that is not served: the caller converts it first.
    Unsupported,
    /// The file or its result is over a limit: the caller shrinks it or the operator raises it.
    Limit,
    /// Something the operation needs is not installed: the operator installs it.
    Unavailable,
    /// A bug of ours.
    Internal,
}

impl ErrorKind {
    /// The stable name of this kind on the wire (`error.code` of a failed job).
    pub fn code(self) -> &'static str {
        match self {
            Self::Input => "invalid_input",
            Self::Unsupported => "unsupported_format",
            Self::Limit => "limit_exceeded",
            Self::Unavailable => "not_available",
            Self::Internal => "internal_error",
        }
    }
}

/// The result of work on pixels.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the given kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), step_index: None }
    }

    /// The file is damaged.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// The file uses something that is not served.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Something is over a limit.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit, message)
    }

    /// A bug of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The same error, said to have happened in a step.
    #[must_use]
    pub fn in_step(mut self, step_index: usize) -> Self {
        self.step_index.get_or_insert(step_index);
        self
    }
}

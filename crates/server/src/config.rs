//! What an operator can set about the HTTP side.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Host names, without port, that requests may address (`images.example.org`). Empty means: on
    /// a loopback address only `localhost` and loopback addresses, else every name.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call the API from a browser (`https://app.example.org`; `*` for
    /// all). The server's own pages always may, and on a loopback address every `localhost` page.
    pub allowed_origins: Vec<String>,
    /// The most connections that are open at the same time; more wait.
    pub connections_max: usize,
    /// Bounds on what one request may bring.
    pub upload: UploadConfig,
    /// How long slow clients are waited for.
    pub timeouts: TimeoutConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            connections_max: 1024,
            upload: UploadConfig::default(),
            timeouts: TimeoutConfig::default(),
        }
    }
}

/// Bounds on what one request may bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UploadConfig {
    /// The most bytes a file may have.
    pub file_bytes_max: u64,
    /// The most files a request may have.
    pub files_max: usize,
    /// The most bytes a request may have, files and document together.
    pub request_bytes_max: u64,
    /// The most bytes the `request` document may have.
    pub document_bytes_max: usize,
}

impl Default for UploadConfig {
    fn default() -> Self {
        Self {
            file_bytes_max: 100_000_000,
            files_max: 100,
            request_bytes_max: 500_000_000,
            document_bytes_max: 1 << 20,
        }
    }
}

/// How long slow clients are waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutConfig {
    /// Seconds in which the headers of a request must arrive; also the longest pause between two
    /// requests on one connection.
    pub header_seconds: u64,
    /// Seconds without a byte of the body after which an upload is given up.
    pub body_idle_seconds: u64,
    /// The fewest bytes a second an upload must bring, counted over a minute.
    pub body_bytes_per_second_min: u64,
    /// Seconds after which an upload is given up however well it goes.
    pub body_seconds: u64,
    /// Seconds without progress after which the reader of an answer is given up.
    pub write_seconds: u64,
    /// Seconds that open requests get to end when the server stops.
    pub drain_seconds: u64,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self {
            header_seconds: 10,
            body_idle_seconds: 30,
            body_bytes_per_second_min: 1024,
            body_seconds: 4 * 3600,
            write_seconds: 60,
            drain_seconds: 10,
        }
    }
}

impl TimeoutConfig {
    pub(crate) fn header(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    pub(crate) fn body_idle(&self) -> Duration {
        Duration::from_secs(self.body_idle_seconds)
    }

    pub(crate) fn body(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    pub(crate) fn write(&self) -> Duration {
        Duration::from_secs(self.write_seconds)
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

//! What every handler can reach.

use std::net::SocketAddr;
use std::sync::Arc;

use jobs::JobStore;
use jobs::blobs::Blobs;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::catalog;
use crate::idempotency::InFlight;
use crate::metrics::{Gauges, Metrics};

/// What the program hands to the server.
pub struct Parts {
    /// Where job rows live.
    pub jobs: Arc<dyn JobStore>,
    /// Where files live.
    pub blobs: Blobs,
    /// Bounds on images and pipelines.
    pub limits: imaging::Limits,
    /// Settings of the HTTP side.
    pub config: Config,
    /// Settings of the job layer: the server reports them and turns uploads away by them.
    pub jobs_config: jobs::Config,
    /// The address the server listens on: a loopback address narrows who may call.
    pub listen: SocketAddr,
    /// What only the program can measure.
    pub gauges: Arc<dyn Gauges>,
}

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Inner>);

pub struct Inner {
    pub(crate) parts: Parts,
    pub(crate) metrics: Metrics,
    pub(crate) in_flight: InFlight,
    pub(crate) draining: CancellationToken,
    pub(crate) catalog: Value,
    pub(crate) openapi: Value,
}

impl State {
    /// A state that has served nothing yet.
    pub fn new(parts: Parts) -> Self {
        let catalog = catalog::document(&parts.limits, &parts.config, &parts.jobs_config);
        let openapi = crate::openapi::document(&catalog);
        Self(Arc::new(Inner {
            parts,
            metrics: Metrics::default(),
            in_flight: InFlight::default(),
            draining: CancellationToken::new(),
            catalog,
            openapi,
        }))
    }

    /// Ends long polls and event streams and refuses new jobs, as the server is about to stop.
    pub fn drain(&self) {
        self.0.draining.cancel();
    }
}

impl std::ops::Deref for State {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

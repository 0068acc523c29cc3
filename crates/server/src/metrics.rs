//! Counters of the HTTP side in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jobs::job_store::Counts;

/// What only the program can measure. `None` is for what it cannot.
pub trait Gauges: Send + Sync {
    /// How often a runner process was started anew after it crashed, hung or grew too large.
    fn runner_restarts(&self) -> Option<u64> {
        None
    }

    /// Runner processes that are alive.
    fn runners(&self) -> Option<u64> {
        None
    }
}

impl Gauges for () {}

/// Upper bounds of the latency buckets in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 60.0];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<Series, Histogram>>,
    upload_bytes: AtomicU64,
    jobs_accepted: AtomicU64,
}

impl Metrics {
    /// Counts an answer. The route is the pattern, not the path, so that there are few.
    pub(crate) fn record(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let series = Series { method: method.to_owned(), route: route.to_owned(), status };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = requests.entry(series).or_default();
        histogram.count += 1;
        histogram.sum += elapsed;
        for (bucket, bound) in histogram.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(elapsed.as_secs_f64() <= bound);
        }
    }

    pub(crate) fn uploaded(&self, bytes: u64) {
        self.upload_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn accepted(&self) {
        self.jobs_accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything as text.
    pub(crate) fn render(
        &self,
        counts: &Counts,
        disk_free_bytes: Option<u64>,
        gauges: &dyn Gauges,
        now: Timestamp,
    ) -> String {
        let mut page = Page::default();
        let oldest = counts.oldest_queued_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        page.head("imagehq_jobs", "gauge", "Jobs that have not ended, by status.");
        page.line("imagehq_jobs", "{status=\"queued\"}", counts.queued);
        page.line("imagehq_jobs", "{status=\"processing\"}", counts.processing);
        page.single("imagehq_queue_depth", "gauge", "Jobs that wait.", counts.queued);
        page.single(
            "imagehq_oldest_queued_age_seconds",
            "gauge",
            "How long the oldest waiting job has waited.",
            oldest.max(0.0),
        );
        page.single(
            "imagehq_jobs_accepted_total",
            "counter",
            "Jobs accepted over HTTP.",
            self.jobs_accepted.load(Ordering::Relaxed),
        );
        page.single(
            "imagehq_upload_bytes_total",
            "counter",
            "Bytes of files received.",
            self.upload_bytes.load(Ordering::Relaxed),
        );
        if let Some(bytes) = disk_free_bytes {
            page.single("imagehq_disk_free_bytes", "gauge", "Bytes free for files.", bytes);
        }
        if let Some(runners) = gauges.runners() {
            page.single("imagehq_runners", "gauge", "Runner processes alive.", runners);
        }
        if let Some(restarts) = gauges.runner_restarts() {
            page.single("imagehq_runner_restarts_total", "counter", "Runners replaced.", restarts);
        }
        self.render_requests(&mut page);
        page.0
    }

    fn render_requests(&self, page: &mut Page) {
        const NAME: &str = "imagehq_http_request_duration_seconds";
        page.head(NAME, "histogram", "Time to the head of the answer.");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for (Series { method, route, status }, histogram) in requests.iter() {
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            let bucket = format!("{NAME}_bucket");
            for (count, bound) in histogram.buckets.iter().zip(BUCKETS) {
                page.line(&bucket, &format!("{{{labels},le=\"{bound}\"}}"), count);
            }
            page.line(&bucket, &format!("{{{labels},le=\"+Inf\"}}"), histogram.count);
            let labels = format!("{{{labels}}}");
            page.line(&format!("{NAME}_sum"), &labels, histogram.sum.as_secs_f64());
            page.line(&format!("{NAME}_count"), &labels, histogram.count);
        }
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, about: &str) {
        let _ = writeln!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, about: &str, value: impl std::fmt::Display) {
        self.head(name, kind, about);
        self.line(name, "", value);
    }
}

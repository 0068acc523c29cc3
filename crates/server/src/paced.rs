//! The body of an upload as a stream that gives up on clients that stall, trickle or send too much.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout};

use crate::config::{TimeoutConfig, UploadConfig};
use crate::error::{ApiError, Code};

/// How much waiting the pace is counted over.
const WINDOW: Duration = Duration::from_secs(60);

/// Why a body was given up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Nothing came for too long.
    Stalled,
    /// Too little came in too much time.
    Slow,
    /// More came than a request may have.
    TooLarge,
    /// The connection broke.
    Broken,
}

/// The pieces of a body.
pub(crate) type Paced = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

struct Pace {
    body: BodyDataStream,
    timeouts: TimeoutConfig,
    bytes_max: u64,
    bytes: u64,
    /// Time spent waiting for the client; the time the server takes to store is not the client's.
    waited: Duration,
    window_waited: Duration,
    window_bytes: u64,
}

/// Watches over a body.
pub(crate) fn paced(body: Body, upload: &UploadConfig, timeouts: &TimeoutConfig) -> Paced {
    let pace = Pace {
        body: body.into_data_stream(),
        timeouts: timeouts.clone(),
        bytes_max: upload.request_bytes_max,
        bytes: 0,
        waited: Duration::ZERO,
        window_waited: Duration::ZERO,
        window_bytes: 0,
    };
    Box::pin(stream::unfold(Some(pace), |pace| async {
        let mut pace = pace?;
        match pace.next().await? {
            Ok(bytes) => Some((Ok(bytes), Some(pace))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Pace {
    async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        let started = Instant::now();
        let next = timeout(self.timeouts.body_idle(), self.body.next()).await;
        let waited = started.elapsed();
        match next {
            Err(_) => Some(Err(BodyError::Stalled)),
            Ok(None) => None,
            Ok(Some(Err(_))) => Some(Err(BodyError::Broken)),
            Ok(Some(Ok(bytes))) => Some(self.count(bytes.len() as u64, waited).map(|()| bytes)),
        }
    }

    fn count(&mut self, bytes: u64, waited: Duration) -> Result<(), BodyError> {
        self.bytes += bytes;
        self.waited += waited;
        self.window_bytes += bytes;
        self.window_waited += waited;
        if self.bytes > self.bytes_max {
            return Err(BodyError::TooLarge);
        }
        if self.waited > self.timeouts.body() {
            return Err(BodyError::Slow);
        }
        if self.window_waited >= WINDOW {
            let bytes_min = self.timeouts.body_bytes_per_second_min * self.window_waited.as_secs();
            if self.window_bytes < bytes_min {
                return Err(BodyError::Slow);
            }
            self.window_waited = Duration::ZERO;
            self.window_bytes = 0;
        }
        Ok(())
    }
}

impl BodyError {
    pub(crate) fn into_api(self, upload: &UploadConfig, timeouts: &TimeoutConfig) -> ApiError {
        match self {
            Self::Stalled => ApiError::new(
                Code::UploadTimeout,
                format!("no byte of the body came for {} s", timeouts.body_idle_seconds),
            ),
            Self::Slow => ApiError::new(
                Code::UploadTimeout,
                format!(
                    "the body came too slowly: it must bring {} bytes a second over a minute and \
                     end within {} s",
                    timeouts.body_bytes_per_second_min, timeouts.body_seconds
                ),
            ),
            Self::TooLarge => request_too_large(upload),
            Self::Broken => {
                ApiError::new(Code::MalformedBody, "the connection broke before the body ended")
            }
        }
    }
}

/// The whole request has too many bytes.
pub(crate) fn request_too_large(upload: &UploadConfig) -> ApiError {
    let megabytes = upload.request_bytes_max as f64 / 1e6;
    ApiError::new(
        Code::TooLarge,
        format!("the request is over the limit of {megabytes} MB; send fewer files at a time"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds pieces of a length, one every so many seconds, and counts those that come through.
    async fn feed(length: usize, every_seconds: u64, pieces: usize) -> (usize, Option<BodyError>) {
        let source = stream::unfold(0, move |sent| async move {
            if sent == pieces {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(every_seconds)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![0; length])), sent + 1))
        });
        let upload = UploadConfig { request_bytes_max: 1_000_000, ..UploadConfig::default() };
        let mut body = paced(Body::from_stream(source), &upload, &TimeoutConfig::default());
        let mut came = 0;
        while let Some(piece) = body.next().await {
            match piece {
                Ok(_) => came += 1,
                Err(error) => return (came, Some(error)),
            }
        }
        (came, None)
    }

    #[tokio::test(start_paused = true)]
    async fn steady_bodies_come_through() {
        assert_eq!(feed(2_000, 1, 300).await, (300, None));
        assert_eq!(feed(31_000, 29, 30).await, (30, None));
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_and_trickling_and_endless_bodies_do_not() {
        assert_eq!(feed(1000, 31, 2).await, (0, Some(BodyError::Stalled)));
        assert_eq!(feed(1, 1, 1000).await, (59, Some(BodyError::Slow)));
        assert_eq!(feed(1000, 0, 2000).await, (1000, Some(BodyError::TooLarge)));
    }
}

//! Connections: accepted up to a limit, served, and let go of when the server stops.

use std::future::Future;
use std::io;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::socket::Socket;
use crate::{State, router};

/// The most bytes the request line and the headers may have.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Serves until `shutdown` ends: then no connection is accepted any more, long polls and event
/// streams end, and open requests get [`crate::TimeoutConfig::drain_seconds`] to end too.
pub async fn serve(
    listener: TcpListener,
    state: State,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let config = state.parts.config.clone();
    let app = router(state.clone());
    let room = Arc::new(Semaphore::new(config.connections_max.max(1)));
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(config.timeouts.header())
        .max_buf_size(HEAD_BYTES_MAX)
        .pipeline_flush(true);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut shutdown => break,
        };
        let (tcp, place) = accepted;
        // Answers are written whole: waiting to fill a packet would only delay them.
        let _ = tcp.set_nodelay(true);
        let io = TokioIo::new(Socket::new(tcp, config.timeouts.write()));
        let service = TowerToHyperService::new(app.clone());
        let connection = open.watch(http.serve_connection(io, service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    state.drain();
    if tokio::time::timeout(config.timeouts.drain(), open.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off, as they did not end in time");
    }
    Ok(())
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, Place) {
    let place = room.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => return (tcp, place),
            Err(error) => {
                // Most often the process has no file handle left: others must end first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

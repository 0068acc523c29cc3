//! Over a real socket: what only shows on the wire.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{
    App, BOUNDARY, PIPELINE, app_with, config, document, file, form, jobs_config, png,
};

struct Running {
    app: App,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

async fn start(change: impl FnOnce(&mut server::Config, &mut jobs::Config)) -> Running {
    let (mut config, mut jobs) = (config(), jobs_config());
    change(&mut config, &mut jobs);
    let app = app_with(config, jobs);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let served = tokio::spawn(server::serve(listener, app.state.clone(), shutdown));
    Running { app, address, stop, served }
}

fn post(length: usize) -> String {
    format!(
        "POST /v1/pipeline HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
}

async fn read_to_end(tcp: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_job_is_posted_over_a_socket() {
    let server = start(|_, _| {}).await;
    let body = form(&[file("a.png", png(8, 6)), document(PIPELINE)]);
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    let head = post(body.len()).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    tcp.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let answer = read_to_end(&mut tcp).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    server.stop.send(()).unwrap();
    server.served.await.unwrap().unwrap();
}

/// A client that sends all of a large body before it reads must still find the answer.
#[tokio::test]
async fn a_refusal_before_the_body_reaches_a_client_that_goes_on_sending() {
    let server = start(|config, jobs| {
        config.upload.request_bytes_max = 100_000_000;
        jobs.queue_max = 0;
    })
    .await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    let body = vec![b'x'; 20_000_000];
    tcp.write_all(post(body.len()).as_bytes()).await.unwrap();
    tcp.write_all(&body).await.unwrap();
    let answer = read_to_end(&mut tcp).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("queue_full") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_first_sends_nothing_in_vain() {
    let server = start(|_, jobs| jobs.queue_max = 0).await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    let head = post(20_000).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    tcp.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    tcp.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 503", "no 100 comes before");
}

#[tokio::test]
async fn slow_headers_end_the_connection() {
    let server = start(|config, _| config.timeouts.header_seconds = 1).await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(8), read_to_end(&mut tcp)).await;
    assert_eq!(closed.expect("the server hangs up"), "");
}

#[tokio::test]
async fn a_stalled_body_is_answered_with_408() {
    let server = start(|config, _| config.timeouts.body_idle_seconds = 1).await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tcp.write_all(post(1000).as_bytes()).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(8), read_to_end(&mut tcp)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.app.assert_no_trace().await;
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let server = start(|config, _| config.connections_max = 1).await;
    let get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let first = TcpStream::connect(server.address).await.unwrap();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(get).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), second.readable()).await;
    assert!(early.is_err(), "the second is not served while the first is open");
    drop(first);
    assert!(read_to_end(&mut second).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn stopping_ends_long_polls_and_lets_requests_end() {
    let server = start(|_, _| {}).await;
    let id = server.app.accepted().await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    let get = format!("GET /v1/jobs/{id}?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    tcp.write_all(get.as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), tcp.readable()).await;
    assert!(early.is_err(), "the poll waits");
    server.stop.send(()).unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(8), read_to_end(&mut tcp)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("queued"), "{answer}");
    server.served.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

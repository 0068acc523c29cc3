//! `imagehq serve`: wires the store, the files, the runners, the workers and the HTTP side.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use jobs::job_store::sqlite::Options;
use jobs::{Blobs, Clock, DataDir, JobStore, Pool, SqliteStore, Sweeper, Worker};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::{Role, ServeArgs};
use crate::config::{self, Config};
use crate::{fonts, log, runners, terminal};

/// What the shell answers for a program that was ended by a signal: here, by a second one.
const STOPPED_AT_ONCE: i32 = 130;

/// The work is done by other processes; these threads only pass bytes on.
const THREADS_MAX: usize = 4;

/// Serves until a signal comes.
pub(crate) fn serve(file: Option<&Path>, flags: &ServeArgs) -> anyhow::Result<ExitCode> {
    let config = config::load(file, Some(flags))?.config;
    check_role(config.role)?;
    check_reach(config.listen, config.allow_anonymous)?;
    log::start(&config.log)?;
    for skipped in fonts::add(&config.fonts)?.skipped {
        tracing::warn!("{skipped}");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(2, THREADS_MAX))
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(until_stopped(config))?;
    Ok(ExitCode::SUCCESS)
}

fn check_role(role: Role) -> anyhow::Result<()> {
    let name = match role {
        Role::All => return Ok(()),
        Role::Api => "api",
        Role::Worker => "worker",
    };
    bail!(
        "--role {name} needs PostgreSQL, which this build does not have yet; \
         `imagehq serve` without it does everything in one process tree"
    )
}

/// Refuses an address that strangers can reach, as nobody is asked for a key.
fn check_reach(listen: SocketAddr, allow_anonymous: bool) -> anyhow::Result<()> {
    if allow_anonymous || listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let port = listen.port();
    bail!(
        "{listen} can be reached by other machines, and without API keys, which this build does \
         not have yet, everyone who reaches it may use it; listen on 127.0.0.1:{port} behind a \
         proxy that asks who comes, or say --allow-anonymous"
    )
}

async fn until_stopped(config: Config) -> anyhow::Result<()> {
    let stopping = stop_on_signals()?;
    let data = Arc::new(DataDir::open(&config.data).context("try --data FOLDER")?);
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        let listen = config.listen;
        format!("cannot listen on {listen}; choose another address with --listen")
    })?;
    let listen = listener.local_addr().context("cannot tell the port")?;

    let clock = Clock::system();
    let options = Options {
        rules: config.jobs.rules(),
        clock: clock.clone(),
        batch_max: config.jobs.commit_batch_max,
    };
    let store: Arc<dyn JobStore> = Arc::new(SqliteStore::open(Arc::clone(&data), options)?);
    let blobs = Blobs::open(data.blobs())?;
    let pool = Pool::new(runners::program(), &config.jobs);
    let workers = Worker::start(
        jobs::worker::Parts {
            store: Arc::clone(&store),
            blobs: blobs.clone(),
            pool: pool.clone(),
            limits: config.limits.clone(),
            clock: clock.clone(),
        },
        &config.jobs,
    );
    let sweeper = Sweeper::new(Arc::clone(&store), blobs.clone(), &config.jobs, clock.clone());
    let sweeper = sweeper.alone().start();
    let state = server::State::new(server::Parts {
        jobs: store,
        blobs,
        limits: config.limits,
        config: config.server,
        jobs_config: config.jobs,
        listen,
        gauges: Arc::new(()),
    });

    terminal::print(&format!("listening on http://{listen}\n"))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), data = %data.path().display(), "ready");
    let drain = async {
        stopping.cancelled().await;
        tracing::info!("stopping: running jobs end or go back to the queue");
        workers.drain().await;
    };
    let (served, ()) =
        tokio::join!(server::serve(listener, state, stopping.clone().cancelled_owned()), drain);
    drop(sweeper);
    served.context("the server stopped")?;
    tracing::info!("stopped");
    Ok(())
}

/// A token that the first SIGTERM or SIGINT cancels. The second ends the process, and with it the
/// runners.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut term = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let stopping = token.clone();
    tokio::spawn(async move {
        either(&mut term, &mut interrupt).await;
        stopping.cancel();
        either(&mut term, &mut interrupt).await;
        tracing::warn!("stopped at once; jobs that ran are taken up at the next start");
        std::process::exit(STOPPED_AT_ONCE);
    });
    Ok(token)
}

async fn either(term: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_served_without_a_word() {
        let reach = |listen: &str, anonymous| check_reach(listen.parse().unwrap(), anonymous);
        for listen in ["127.0.0.1:80", "127.8.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(reach(listen, false).is_ok(), "{listen}");
        }
        for listen in ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "[::ffff:10.0.0.1]:80"] {
            assert!(reach(listen, false).is_err(), "{listen}");
            assert!(reach(listen, true).is_ok(), "{listen}");
        }
    }
}

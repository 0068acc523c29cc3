//! Submits, claims and finishes jobs in a SQLite store as fast as it can, and says on standard
//! output what was acknowledged: `s <id>` and `f <id>`. The tests kill it at any moment.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use jobs::job_store::conformance::new_job;
use jobs::job_store::sqlite::Options;
use jobs::job_store::{Outcome, Submitted};
use jobs::{DataDir, JobStore, SqliteStore};

const LEASE: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = std::env::args().nth(1).expect("the data folder");
    let data = Arc::new(DataDir::open(folder).expect("the folder is free"));
    let store = SqliteStore::open(data, Options::default()).expect("the database opens");
    let produce = async || {
        loop {
            let submitted = store.submit(new_job()).await.expect("the store takes jobs");
            let Submitted::Accepted(job) = submitted else { unreachable!("there is no key") };
            say('s', job.id.as_str());
        }
    };
    let work = async || {
        loop {
            let claim = store.claim("victim", LEASE).await.expect("a job");
            let id = claim.job.id.clone();
            let steps = claim.job.steps.clone();
            let (outputs, warnings, data) = Default::default();
            let outcome = Outcome::Succeeded { outputs, warnings, data, steps };
            store.finish(claim, outcome).await.expect("the claim holds");
            say('f', id.as_str());
        }
    };
    tokio::join!(produce(), produce(), produce(), work(), work());
}

/// One write, so that a line is whole or not there.
fn say(what: char, id: &str) {
    let line = format!("{what} {id}\n");
    if std::io::stdout().lock().write_all(line.as_bytes()).is_err() {
        std::process::exit(0);
    }
}

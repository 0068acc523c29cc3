//! The nth call to the job store or to the object store fails, loses its answer or never returns:
//! for every n. Whatever happens, the job ends once and as it should, and nothing is left behind.

mod wrap;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use jobs::clock::{Clock, ManualClock};
use jobs::config::Rules;
use jobs::job::{Job, Status};
use jobs::pool::Pool;
use jobs::worker::{Parts, Worker};
use jobs::{Blobs, Config, JobStore, MemoryStore, Sweeper};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use self::wrap::{Fault, FaultyBlobs, FaultyStore, How};
use crate::stage::{config, does, new_job, odd_runner};

/// More calls than any scenario makes, so that the last one runs undisturbed.
const CALLS_MAX: i64 = 28;
/// How long a job that nothing stops may take here.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
enum Where {
    Store,
    Blobs,
}

/// One job, one fault.
struct Scenario {
    store: Arc<MemoryStore>,
    objects: Arc<InMemory>,
    time: ManualClock,
    clock: Clock,
    config: Config,
    pool: Pool,
    fault: Arc<Fault>,
}

impl Scenario {
    fn new(pool: Pool, fault: Fault) -> Self {
        let config = Config { workers: 1, ..config() };
        let (clock, time) = Clock::manual(1_800_000_000_000);
        let rules = Rules { crash_backoff: Duration::ZERO, ..config.rules() };
        let store = Arc::new(MemoryStore::new(rules, clock.clone()));
        let (objects, fault) = (Arc::new(InMemory::new()), Arc::new(fault));
        Self { store, objects, time, clock, config, pool, fault }
    }

    fn worker(&self, place: Option<Where>) -> Worker {
        let mut store: Arc<dyn JobStore> = self.store.clone();
        let mut objects: Arc<dyn ObjectStore> = self.objects.clone();
        match place {
            Some(Where::Store) => store = Arc::new(FaultyStore::new(store, self.fault.clone())),
            Some(Where::Blobs) => objects = Arc::new(FaultyBlobs::new(objects, self.fault.clone())),
            None => {}
        }
        let (pool, clock) = (self.pool.clone(), self.clock.clone());
        let blobs = Blobs::new(objects);
        let parts = Parts { store, blobs, pool, limits: imaging::Limits::default(), clock };
        Worker::start(parts, &self.config)
    }

    /// Runs a job to its end under the fault; the job, and whether the fault struck.
    async fn play(&self, what: &str, place: Where) -> (Job, bool) {
        let blobs = Blobs::new(self.objects.clone());
        let new = new_job(&blobs, does(what), &["one", "two"]).await;
        let id = new.id.clone();
        self.store.submit(new).await.unwrap();
        let mut worker = self.worker(Some(place));
        for _ in 0..15 {
            let end = crate::stage::until(&*self.store, &id, |job| job.status.is_terminal());
            if tokio::time::timeout(PATIENCE, end).await.is_ok() {
                break;
            }
            if self.fault.hangs() {
                drop(worker);
                worker = self.worker(None);
            }
            self.time.advance(self.config.lease());
            self.store.sweep().await.unwrap();
        }
        if self.fault.hangs() {
            drop(worker)
        } else {
            worker.drain().await
        }
        let sweeper = Sweeper::new(self.store.clone(), blobs, &self.config, self.clock.clone());
        sweeper.sweep().await.unwrap();
        sweeper.sweep_orphans().await.unwrap();
        (self.store.get(&id).await.unwrap().unwrap(), self.fault.struck())
    }

    /// The keys of all files there are.
    async fn keys(&self) -> BTreeSet<String> {
        let listed: Vec<_> = self.objects.list(None).try_collect().await.unwrap();
        listed.into_iter().map(|meta| meta.location.to_string()).collect()
    }
}

async fn sweep_calls(what: &str, place: Where, how: How, expected: Status) {
    let pool = Pool::new(odd_runner(), &Config { workers: 16, ..config() });
    let play = async |n| {
        let scenario = Scenario::new(pool.clone(), Fault::new(n, how));
        let (job, struck) = scenario.play(what, place).await;
        let context = format!("{what} {place:?} {how:?} {n}: {job:#?}");
        assert_eq!(job.status, expected, "{context}");
        assert!(job.attempt <= 3 && job.crashes <= 3, "{context}");
        assert_eq!(job.outputs.is_empty(), expected != Status::Succeeded, "{context}");
        let owned = job.inputs.iter().map(|input| input.blob.clone());
        let owned: BTreeSet<_> = owned.chain(job.outputs.into_iter().map(|it| it.blob)).collect();
        assert_eq!(scenario.keys().await, owned, "{context}");
        struck
    };
    let struck = join_all((0..CALLS_MAX).map(play)).await;
    assert!(struck[0] && struck[1], "the fault strikes");
    assert!(!struck[struck.len() - 1], "{how:?} {place:?}: more calls than were tried");
}

#[tokio::test]
async fn a_store_that_fails_once_loses_nothing() {
    sweep_calls("copy", Where::Store, How::Fails, Status::Succeeded).await;
}

#[tokio::test]
async fn a_store_whose_answer_is_lost_once_loses_nothing() {
    sweep_calls("copy", Where::Store, How::LosesAnswer, Status::Succeeded).await;
}

#[tokio::test]
async fn a_worker_that_dies_at_any_call_to_the_store_loses_nothing() {
    sweep_calls("copy", Where::Store, How::Hangs, Status::Succeeded).await;
}

#[tokio::test]
async fn a_file_store_that_fails_once_loses_nothing() {
    sweep_calls("copy", Where::Blobs, How::Fails, Status::Succeeded).await;
}

#[tokio::test]
async fn a_file_store_whose_answer_is_lost_once_loses_nothing() {
    sweep_calls("copy", Where::Blobs, How::LosesAnswer, Status::Succeeded).await;
}

#[tokio::test]
async fn a_worker_that_dies_at_any_call_to_the_file_store_loses_nothing() {
    sweep_calls("copy", Where::Blobs, How::Hangs, Status::Succeeded).await;
}

#[tokio::test]
async fn a_poison_job_fails_whatever_the_store_does() {
    for how in [How::Fails, How::LosesAnswer, How::Hangs] {
        sweep_calls("abort", Where::Store, how, Status::Failed).await;
    }
}

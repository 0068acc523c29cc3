//! Read-only connections, beside the writer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};
use tokio::sync::Semaphore;

use super::{row, store_error};
use crate::job::Job;
use crate::job_store::{Filter, StoreError};

/// Reads take microseconds; more connections would only hold memory.
const READERS_MAX: usize = 4;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Runs a query on a connection and a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let pooled = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = pooled.map_or_else(|| open(&path), Ok)?;
            let result = query(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        let result = task.await.map_err(|error| StoreError::Database(error.to_string()))?;
        result.map_err(store_error)
    }
}

fn open(path: &PathBuf) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "cache_size", -1024)?;
    Ok(connection)
}

/// Jobs that pass the filter, newest first.
pub(super) fn list(connection: &Connection, filter: &Filter) -> rusqlite::Result<Vec<Job>> {
    let status = filter.status.map(|status| status.as_str());
    let before = filter.before.as_ref().map(|id| id.as_str());
    let tests: [(&str, Option<&dyn ToSql>); 4] = [
        ("status =", status.as_ref().map(|it| it as _)),
        ("operation =", filter.operation.as_ref().map(|it| it as _)),
        ("client_reference_id =", filter.client_reference_id.as_ref().map(|it| it as _)),
        ("id <", before.as_ref().map(|it| it as _)),
    ];
    let mut sql = String::from("SELECT * FROM jobs WHERE 1");
    let mut values: Vec<&dyn ToSql> = Vec::new();
    for (test, value) in tests {
        if let Some(value) = value {
            sql += &format!(" AND {test} ?");
            values.push(value);
        }
    }
    sql += " ORDER BY id DESC LIMIT ?";
    values.push(&filter.limit);
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map(params_from_iter(values), row::read)?.map(|it| Ok(it?.job)).collect()
}

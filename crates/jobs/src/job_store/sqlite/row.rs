//! Records as rows.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::from_ms;
use crate::job::{Job, JobId, Retention, Status};
use crate::job_store::Idempotency;
use crate::job_store::record::{Lease, Record};

/// Inserts a record whole.
pub(super) fn insert(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let job = &record.job;
    let idempotency = record.idempotency.as_ref();
    let mut statement = connection.prepare_cached(
        "INSERT INTO jobs VALUES (:id, :operation, :request, :client_reference_id, :tool_slug,
         :status, :created_at, NULL, NULL, :expires_at, 0, :ttl_hours, :clamp, :inputs, '[]',
         :steps, 0, '[]', '[]', NULL, 0, 0, 0, 0, :version, :run_at, NULL, NULL, NULL, :scope, :key,
         :payload, 0)",
    )?;
    statement.execute(named_params! {
        ":id": job.id.as_str(),
        ":operation": job.operation,
        ":request": json(&job.request),
        ":client_reference_id": job.client_reference_id,
        ":tool_slug": job.tool_slug,
        ":status": job.status.as_str(),
        ":created_at": job.created_at.as_millisecond(),
        ":expires_at": job.expires_at.as_millisecond(),
        ":ttl_hours": job.retention.ttl_hours,
        ":clamp": job.retention.clamp,
        ":inputs": json(&job.inputs),
        ":steps": json(&job.steps),
        ":version": job.version.cast_signed(),
        ":run_at": record.run_at,
        ":scope": idempotency.map(|it| &it.scope),
        ":key": idempotency.map(|it| &it.key),
        ":payload": idempotency.map(|it| &it.payload_sha256),
    })?;
    Ok(())
}

/// Writes back all that can change.
pub(super) fn update(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let job = &record.job;
    let lease = record.lease.as_ref();
    let mut statement = connection.prepare_cached(
        "UPDATE jobs SET status = :status, started_at = :started_at, finished_at = :finished_at,
         expires_at = :expires_at, expired = :expired, outputs = :outputs, steps = :steps,
         progress = :progress, warnings = :warnings, data = :data, error = :error,
         attempt = :attempt, crashes = :crashes, interruptions = :interruptions,
         cancel_requested = :cancel_requested, version = :version, run_at = :run_at,
         lease_token = :token, lease_worker = :worker, lease_until = :until, swept = :swept
         WHERE id = :id",
    )?;
    let changed = statement.execute(named_params! {
        ":id": job.id.as_str(),
        ":status": job.status.as_str(),
        ":started_at": job.started_at.map(|at| at.as_millisecond()),
        ":finished_at": job.finished_at.map(|at| at.as_millisecond()),
        ":expires_at": job.expires_at.as_millisecond(),
        ":expired": job.expired,
        ":outputs": json(&job.outputs),
        ":steps": json(&job.steps),
        ":progress": job.progress,
        ":warnings": json(&job.warnings),
        ":data": json(&job.data),
        ":error": job.error.as_ref().map(json),
        ":attempt": job.attempt,
        ":crashes": job.crashes,
        ":interruptions": job.interruptions,
        ":cancel_requested": job.cancel_requested,
        ":version": job.version.cast_signed(),
        ":run_at": record.run_at,
        ":token": lease.map(|lease| &lease.token),
        ":worker": lease.map(|lease| &lease.worker),
        ":until": lease.map(|lease| lease.until),
        ":swept": record.swept,
    })?;
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

/// Writes back what a claim changes, which is no JSON.
pub(super) fn update_state(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let job = &record.job;
    let lease = record.lease.as_ref();
    let mut statement = connection.prepare_cached(
        "UPDATE jobs SET status = :status, started_at = :started_at, attempt = :attempt,
         version = :version, lease_token = :token, lease_worker = :worker, lease_until = :until
         WHERE id = :id",
    )?;
    let changed = statement.execute(named_params! {
        ":id": job.id.as_str(),
        ":status": job.status.as_str(),
        ":started_at": job.started_at.map(|at| at.as_millisecond()),
        ":attempt": job.attempt,
        ":version": job.version.cast_signed(),
        ":token": lease.map(|lease| &lease.token),
        ":worker": lease.map(|lease| &lease.worker),
        ":until": lease.map(|lease| lease.until),
    })?;
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

/// The first record that a query starting with `SELECT * FROM jobs` yields.
pub(super) fn find(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Option<Record>> {
    connection.prepare_cached(sql)?.query_row(params, read).optional()
}

/// The record of this id.
pub(super) fn load(connection: &Connection, id: &JobId) -> rusqlite::Result<Option<Record>> {
    find(connection, "SELECT * FROM jobs WHERE id = ?1", [id.as_str()])
}

/// The record that was made under this idempotency key.
pub(super) fn load_idempotent(
    connection: &Connection,
    scope: &str,
    key: &str,
) -> rusqlite::Result<Option<Record>> {
    let sql = "SELECT * FROM jobs WHERE idempotency_scope = ?1 AND idempotency_key = ?2";
    find(connection, sql, [scope, key])
}

/// The ids that a query yields.
pub(super) fn ids(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<JobId>> {
    connection.prepare_cached(sql)?.query_map(params, |row| id(row, 0))?.collect()
}

/// Reads a row of `SELECT * FROM jobs`.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    let time = |index| Ok::<_, rusqlite::Error>(from_ms(row.get(index)?));
    let time_maybe =
        |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(from_ms));
    let status: String = row.get(5)?;
    let job = Job {
        id: id(row, 0)?,
        operation: row.get(1)?,
        request: parse(row, 2)?,
        client_reference_id: row.get(3)?,
        tool_slug: row.get(4)?,
        status: Status::parse(&status).ok_or_else(|| unreadable(5, "unknown status"))?,
        created_at: time(6)?,
        started_at: time_maybe(7)?,
        finished_at: time_maybe(8)?,
        expires_at: time(9)?,
        expired: row.get(10)?,
        retention: Retention { ttl_hours: row.get(11)?, clamp: row.get(12)? },
        inputs: parse(row, 13)?,
        outputs: parse(row, 14)?,
        steps: parse(row, 15)?,
        progress: row.get(16)?,
        warnings: parse(row, 17)?,
        data: parse(row, 18)?,
        error: row.get::<_, Option<String>>(19)?.map(|text| from_json(19, &text)).transpose()?,
        attempt: row.get(20)?,
        crashes: row.get(21)?,
        interruptions: row.get(22)?,
        cancel_requested: row.get(23)?,
        version: row.get::<_, i64>(24)?.cast_unsigned(),
    };
    Ok(Record {
        job,
        run_at: row.get(25)?,
        lease: lease(row)?,
        idempotency: idempotency(row)?,
        swept: row.get(32)?,
    })
}

fn lease(row: &Row<'_>) -> rusqlite::Result<Option<Lease>> {
    let Some(token) = row.get(26)? else { return Ok(None) };
    Ok(Some(Lease { token, worker: row.get(27)?, until: row.get(28)? }))
}

fn idempotency(row: &Row<'_>) -> rusqlite::Result<Option<Idempotency>> {
    let Some(key) = row.get(30)? else { return Ok(None) };
    Ok(Some(Idempotency { scope: row.get(29)?, key, payload_sha256: row.get(31)? }))
}

fn id(row: &Row<'_>, index: usize) -> rusqlite::Result<JobId> {
    let text: String = row.get(index)?;
    JobId::parse(&text).ok_or_else(|| unreadable(index, "not a job id"))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("job data has string keys and finite numbers")
}

fn parse<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    from_json(index, row.get_ref(index)?.as_str()?)
}

fn from_json<T: DeserializeOwned>(index: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

fn unreadable(index: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, what.into())
}

//! The tables, as a list of migrations.

use rusqlite::Connection;

use crate::job_store::StoreError;

/// Each entry takes the database one version further. Entries are only ever added.
const MIGRATIONS: [&str; 1] = [include_str!("0001_jobs.sql")];

/// Brings the database to the version this program knows; refuses one from a later program.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(super::store_error)?;
    let known = MIGRATIONS.len() as u32;
    if version > known {
        return Err(StoreError::Database(format!(
            "its schema has version {version}, this program knows {known}: start the newer \
             program that wrote it, or choose another data folder"
        )));
    }
    for (next, sql) in (1..=known).zip(MIGRATIONS).skip(version as usize) {
        let transaction = connection.transaction().map_err(super::store_error)?;
        transaction.execute_batch(sql).map_err(super::store_error)?;
        transaction.pragma_update(None, "user_version", next).map_err(super::store_error)?;
        transaction.commit().map_err(super::store_error)?;
    }
    Ok(())
}

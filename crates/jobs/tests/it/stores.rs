//! The conformance suite on every store.

mod memory {
    use std::sync::Arc;

    use jobs::MemoryStore;

    jobs::conformance!(Box::new(|rules, clock| Arc::new(MemoryStore::new(rules, clock))));
}

mod sqlite {
    use std::sync::{Arc, Mutex};

    use jobs::job_store::conformance::Open;
    use jobs::job_store::sqlite::Options;
    use jobs::{DataDir, SqliteStore};

    jobs::conformance!(open(256));

    mod without_group_commit {
        jobs::conformance!(super::open(1));
    }

    /// Opens stores in folders that live as long as the opener.
    fn open(batch_max: usize) -> Open {
        let folders = Mutex::new(Vec::new());
        Box::new(move |rules, clock| {
            let folder = tempfile::tempdir().unwrap();
            let data = Arc::new(DataDir::open(folder.path()).unwrap());
            folders.lock().unwrap().push(folder);
            Arc::new(SqliteStore::open(data, Options { rules, clock, batch_max }).unwrap())
        })
    }
}

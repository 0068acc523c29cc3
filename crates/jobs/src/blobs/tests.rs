use object_store::memory::InMemory;
use proptest::prelude::*;

use super::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn local() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    (dir, blobs)
}

async fn store(blobs: &Blobs, id: &JobId, index: usize, bytes: &[u8]) -> Stored {
    let mut writer = blobs.write_input(id, index);
    for chunk in bytes.chunks(700_001) {
        writer.write(chunk).await.unwrap();
    }
    writer.finish().await.unwrap()
}

#[tokio::test]
async fn what_is_written_is_read_whatever_its_size() {
    let (_dir, blobs) = local();
    let id = JobId::new();
    for (index, size) in
        [0, 1, LOCAL_PART_BYTES, LOCAL_PART_BYTES + 1, 5_000_000].into_iter().enumerate()
    {
        let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        let stored = store(&blobs, &id, index, &bytes).await;
        assert_eq!(stored.size_bytes, size as u64);
        assert_eq!(stored.blob, format!("jobs/{id}/inputs/{index}"));
        assert!(blobs.read_all(&stored.blob).await.unwrap() == bytes, "{size} bytes");
    }
}

#[tokio::test]
async fn the_digest_is_that_of_the_bytes() {
    let (_dir, blobs) = local();
    let stored = store(&blobs, &JobId::new(), 0, b"abc").await;
    assert_eq!(stored.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[tokio::test]
async fn deleting_a_job_leaves_nothing_not_even_an_unfinished_upload() {
    let (dir, blobs) = local();
    let (id, other) = (JobId::new(), JobId::new());
    store(&blobs, &id, 0, b"x").await;
    let kept = store(&blobs, &other, 0, b"y").await;
    let mut unfinished = blobs.write_input(&id, 1);
    unfinished.write(&vec![0; 3 * LOCAL_PART_BYTES]).await.unwrap();
    assert_eq!(blobs.job_ids().await.unwrap().len(), 2);
    std::mem::forget(unfinished);
    blobs.delete_job(&id).await.unwrap();
    blobs.delete_job(&id).await.unwrap();
    assert_eq!(blobs.job_ids().await.unwrap(), [other]);
    assert!(!dir.path().join(format!("jobs/{id}")).exists());
    assert_eq!(blobs.read_all(&kept.blob).await.unwrap(), b"y");
}

#[tokio::test]
async fn keys_from_outside_do_not_leave_the_folder() {
    let (dir, blobs) = local();
    std::fs::write(dir.path().parent().unwrap().join("secret-of-blobs-test"), "x").unwrap();
    for key in ["../secret-of-blobs-test", "jobs/../../secret-of-blobs-test", "/etc/passwd", ""] {
        assert!(blobs.read(key, None).await.is_err(), "{key}");
    }
    std::fs::remove_file(dir.path().parent().unwrap().join("secret-of-blobs-test")).unwrap();
}

#[tokio::test]
async fn a_missing_blob_is_not_found_and_may_be_deleted() {
    for blobs in [local().1, Blobs::new(Arc::new(InMemory::new()))] {
        let key = format!("jobs/{}/inputs/0", JobId::new());
        assert!(matches!(blobs.read(&key, None).await, Err(BlobError::NotFound(_))));
        blobs.delete(&key).await.unwrap();
    }
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = object_store::Error::Generic { store: "local", source: Box::new(full) };
    assert!(matches!(BlobError::from(error), BlobError::DiskFull));
    let other = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let error = object_store::Error::Generic { store: "local", source: Box::new(other) };
    assert!(matches!(BlobError::from(error), BlobError::Failed(_)));
}

#[test]
fn the_room_on_the_disk_is_known_for_folders_only() {
    assert!(local().1.free_bytes().unwrap() > 0);
    assert_eq!(Blobs::new(Arc::new(InMemory::new())).free_bytes(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn ranges_are_slices(size in 1_usize..600_000, a in 0_usize..600_000, b in 0_usize..600_000) {
        let (start, end) = (a.min(b) % size, a.max(b).min(size));
        prop_assume!(start < end);
        runtime().block_on(async {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 253) as u8).collect();
            let (_dir, blobs) = local();
            let stored = store(&blobs, &JobId::new(), 0, &bytes).await;
            let range = Some(start as u64..end as u64);
            let stream = blobs.read(&stored.blob, range).await.unwrap();
            let read: Vec<Bytes> = stream.try_collect().await.unwrap();
            assert!(read.concat() == bytes[start..end]);
        });
    }
}

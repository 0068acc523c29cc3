//! What the C library's allocator does with memory that is freed.

/// To be set in the environment of a process that works on images: glibc then asks for large pages
/// for its heap. A new image costs some page faults then, instead of thousands. It is read before
/// `main`, so that a process cannot ask for itself.
pub const LARGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// Keeps what is freed for what is allocated next, instead of giving every large block back to the
/// system and having it cleared again: for a process that works on images one after the other.
/// Between them, [`trim`] gives back what is too much. Only glibc can be told; elsewhere nothing
/// happens.
pub fn keep_freed() {
    #[cfg(target_env = "gnu")]
    // SAFETY: these set numbers of the allocator, under its own lock; a refusal changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        // One heap for all threads: that of the first, as the others cannot grow far.
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives memory that is free back to the system if it is more than so many bytes, up to about that.
pub fn trim(kept_bytes: usize) {
    #[cfg(target_env = "gnu")]
    // SAFETY: counts, and gives back what no one holds.
    unsafe {
        if libc::mallinfo2().fordblks > kept_bytes {
            libc::malloc_trim(kept_bytes);
        }
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = kept_bytes;
}

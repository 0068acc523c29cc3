//! Large buffers that may fail to come.

use std::alloc::{Layout, alloc_zeroed};

use crate::{Error, ErrorKind, Result};

/// A buffer of zeros, or an error when there is no memory for it.
///
/// The zeros come from the kernel with the pages, so nothing is written twice; the standard library
/// has that only in forms that abort.
pub fn zeroed(len: usize) -> Result<Vec<u8>> {
    if len == 0 {
        return Ok(Vec::new());
    }
    let no_memory = || Error::new(ErrorKind::Memory, format!("no memory for {len} bytes"));
    let layout = Layout::array::<u8>(len).map_err(|_| no_memory())?;
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(no_memory());
    }
    // SAFETY: `start` came from the global allocator with the layout of `len` bytes, all of which
    // are initialised to zero.
    Ok(unsafe { Vec::from_raw_parts(start, len, len) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_buffer_is_an_error() {
        assert_eq!(zeroed(usize::MAX / 2).unwrap_err().kind, ErrorKind::Memory);
        assert_eq!(zeroed(usize::MAX).unwrap_err().kind, ErrorKind::Memory);
    }

    #[test]
    fn a_buffer_is_zero_throughout() {
        assert_eq!(zeroed(0).unwrap(), Vec::<u8>::new());
        assert_eq!(zeroed(70_000).unwrap(), vec![0; 70_000]);
    }
}

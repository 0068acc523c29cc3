//! Loops in the widest vectors that the processor has.

/// Runs `work` as compiled for the newest vector instructions that this processor knows; the result
/// is the same with all of them, as none of them fuses a multiplication with an addition by itself.
///
/// What `work` calls is compiled again for each kind of processor only if it is inlined: it and
/// the closure itself have to be `#[inline(always)]`.
#[inline(always)]
pub fn wide<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Pixels that are done side by side.
pub const BLOCK: usize = 64;

/// Calls `work` for blocks of up to [`BLOCK`] pixels of a row, compiled as in [`wide`]: it has to
/// be `#[inline(always)]`.
#[inline(always)]
pub fn blocks<const N: usize>(row: &mut [u8], work: impl Fn(&mut [[u8; N]])) {
    wide(
        #[inline(always)]
        || {
            // No `for_each`: it would not be compiled again with what it calls.
            for block in row.as_chunks_mut::<N>().0.chunks_mut(BLOCK) {
                work(block);
            }
        },
    );
}

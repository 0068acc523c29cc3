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

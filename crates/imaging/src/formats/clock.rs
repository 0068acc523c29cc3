//! The time at which frames end, in whole milliseconds.

/// Rounds when frames end instead of how long each is shown, so that an animation does not get
/// shorter or longer: 30 frames a second are 33, 34 and 33 ms.
#[derive(Default)]
pub(super) struct Clock {
    told_ms: u64,
}

impl Clock {
    /// For how long a frame is shown that ends then, counted from the start of the animation.
    pub(super) fn delay_until(&mut self, end_ms: f64) -> u32 {
        let end = end_ms.round() as u64;
        let delay_ms = u32::try_from(end - self.told_ms).unwrap_or(u32::MAX);
        self.told_ms = end;
        delay_ms
    }
}

//! The time of day, replaceable so that tests need not wait for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time in whole milliseconds, the grain of every stored time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Arc::new(|| Timestamp::now().as_millisecond()))
    }

    /// A clock that stands still until it is advanced.
    pub fn manual(start_ms: i64) -> (Self, ManualClock) {
        let now = Arc::new(AtomicI64::new(start_ms));
        let manual = ManualClock(Arc::clone(&now));
        (Self(Arc::new(move || now.load(Ordering::SeqCst))), manual)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }

    /// The same as a timestamp.
    pub fn now(&self) -> Timestamp {
        from_ms(self.now_ms())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// Moves the [`Clock`] it was made with.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).expect("tests do not skip eras");
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// The timestamp of so many milliseconds since 1970; times outside jiff's range are cut to it.
pub(crate) fn from_ms(ms: i64) -> Timestamp {
    let range = Timestamp::MIN.as_millisecond() + 1..=Timestamp::MAX.as_millisecond() - 1;
    Timestamp::from_millisecond(ms.clamp(*range.start(), *range.end()))
        .expect("the value was cut to the range")
}

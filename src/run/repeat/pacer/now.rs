//! The two clocks at one moment, and what is due by them.

use std::time::SystemTime;

use crate::sys::clock::{self, BootTime};

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run::repeat) struct Now {
    pub(in crate::run::repeat) boot: BootTime,
    pub(in crate::run::repeat) wall: SystemTime,
}

/// When the next run is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run::repeat) enum Due {
    /// Independent of the wall clock.
    At(BootTime),
    /// At this time of the wall clock.
    Wall(SystemTime),
    /// The schedule has no further starts.
    Never,
}

/// The wall clock minus BOOTTIME, in nanoseconds.
pub(super) type Offset = i128;

impl Now {
    /// The current time.
    pub(in crate::run::repeat) fn read() -> Self {
        Now { boot: BootTime::now(), wall: clock::wall_now() }
    }

    /// It changes when the wall clock is set, and only then.
    pub(super) fn offset(self) -> Offset {
        let since_boot = self.boot.since_boot();
        match self.wall.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(wall) => wall.as_nanos().cast_signed() - since_boot.as_nanos().cast_signed(),
            Err(before) => -(before.duration() + since_boot).as_nanos().cast_signed(),
        }
    }
}

//! Coming back gradually.

/// So many at once, and everything is as it was.
const FULL: u64 = 64;

/// How many requests may be out at once while things come back: one more with each good answer, which
/// doubles them with each round trip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    at_once: u64,
}

impl Ramp {
    pub fn from(at_once: u64) -> Ramp {
        Ramp { at_once }
    }

    pub fn is_full(self, in_flight: u64) -> bool {
        in_flight >= self.at_once
    }

    /// After a good answer; none when it is over.
    pub fn raised(self) -> Option<Ramp> {
        let at_once = self.at_once + 1;
        (at_once < FULL).then_some(Ramp { at_once })
    }
}

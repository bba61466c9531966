//! When to draw: a frame after a key at once, others at most sixty a second, and fewer on a slow terminal, so that a slow line
//! lowers the frame rate and not the response.

use std::time::{Duration, Instant};

/// A sixtieth of a second.
const FRAME: Duration = Duration::from_micros(16_700);
/// The longest wait between frames.
const LONGEST: Duration = Duration::from_millis(250);

/// When the next frame may come that nobody pressed a key for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    due: Option<Instant>,
}

impl Pace {
    /// Whether it may come now.
    pub(super) fn is_due(self) -> bool {
        self.left().is_none()
    }

    /// How long until it may come; None if it may come now.
    pub(super) fn left(self) -> Option<Duration> {
        self.due?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// A frame was drawn whose writing began at this moment and has ended now.
    pub(super) fn drawn(&mut self, begun: Instant) {
        self.due = Some(begun + begun.elapsed() + gap(begun.elapsed()));
    }
}

/// The wait after a frame that took this long to write.
fn gap(took: Duration) -> Duration {
    (took * 2).clamp(FRAME, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_terminal_lowers_the_frame_rate() {
        let millis = |took| gap(Duration::from_millis(took)).as_millis();
        assert_eq!((millis(0), millis(5), millis(20), millis(100), millis(900)), (16, 16, 40, 200, 250));
    }

    #[test]
    fn the_first_frame_is_due_at_once_and_the_next_is_not() {
        let mut pace = Pace::default();
        assert!(pace.is_due());
        pace.drawn(Instant::now());
        assert!(!pace.is_due() && pace.left().is_some_and(|left| left <= FRAME));
    }
}

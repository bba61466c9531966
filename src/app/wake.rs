//! When the picture changes by itself: the loop sleeps until then. An idle screen wakes once a second, for its clock.

use jiff::{SignedDuration, Timestamp};

use super::state::{Overlay, Screen, State};
use crate::domain::id::Key;
use crate::domain::release::Phase;

/// One phase of a spinner.
pub const SPIN: SignedDuration = SignedDuration::from_millis(250);

impl State {
    /// The next moment, by the local clock, at which the picture or a wish changes without anything happening.
    pub fn next_wake(&self) -> Timestamp {
        let clock = next_multiple(self.now, 1_000);
        let spinner = self.spins().then(|| next_multiple(self.now, SPIN.as_millis()));
        let toast = self.toast.as_ref().map(|toast| toast.until);
        let moments = [spinner, toast, self.table().wakes(), self.look.wakes(), self.chart.wakes()];
        moments.into_iter().flatten().fold(clock, Timestamp::min)
    }

    /// Which of the spinner's four phases it is in; 0 under reduced motion.
    pub fn spin(&self) -> usize {
        if self.reduced_motion {
            return 0;
        }
        usize::try_from(self.now.as_millisecond().rem_euclid(1_000) / 250).unwrap_or_default()
    }

    /// Whether a spinner turns on the screen.
    fn spins(&self) -> bool {
        if self.reduced_motion || self.freshness().is_stale() {
            return false;
        }
        let progresses =
            |key: &Key| self.environment().cluster.glance(key).is_some_and(|glance| glance.phase == Phase::Progressing);
        let waits = match &self.overlay {
            Some(Overlay::Dialog(dialog)) => dialog.review.is_none(),
            Some(Overlay::Marks(_)) => self.course().is_some_and(|(_, course)| course.ended.is_none()),
            Some(Overlay::Filter | Overlay::Environments(_) | Overlay::Palette(_) | Overlay::Help | Overlay::Guard(_)) | None => {
                self.environment().courses.newest_first().any(|course| course.ended.is_none())
            }
        };
        waits
            || match &self.screen {
                Screen::Detail(key) => progresses(key) || super::chart::known(self) == super::chart::Known::Asking,
                Screen::Log | Screen::Act(_) | Screen::Signals => false,
                Screen::Ledger => !self.ledger.is_read(),
                Screen::Contents(_) => super::contents::shown(self).is_some_and(|asked| asked.found.is_none()),
                Screen::Bridge | Screen::Rollouts => {
                    let height = self.list_height();
                    self.table().window(height).chain(self.table().selected()).any(progresses)
                }
            }
    }
}

/// The next moment whose milliseconds are a multiple of this.
fn next_multiple(now: Timestamp, millis: i128) -> Timestamp {
    let past = i128::from(now.as_millisecond()).rem_euclid(millis);
    let left = i64::try_from(millis - past).unwrap_or(1_000);
    now.checked_add(SignedDuration::from_millis(left)).unwrap_or(now)
}

//! The panes: what stands in each frame. A pane whose source is late or down keeps what it knows, dimmed, with its age.

pub mod act;
pub mod alerts;
pub mod budgets;
pub mod chart;
mod columns;
pub mod contents;
pub mod events;
mod flagger;
pub mod ledger;
pub mod log;
pub mod matrix;
pub mod now;
pub mod release;
pub mod rollouts;
mod runs;
mod says;
pub mod signals;
pub mod steps;
pub mod tree;
mod versions;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Theme;
use super::widget::fresh;
use crate::app::{Pane, State};
use crate::domain::belongings::Belongings;
use crate::domain::id::Key;
use crate::domain::object::{Canary, Rollout};
use crate::domain::release::Release;
use crate::domain::timeline::{Timeline, timeline};
use crate::domain::tree::{Revision, revisions};

/// A release with everything that its panes show.
struct Opened<'a> {
    release: Release,
    rollout: Option<&'a Rollout>,
    canary: Option<&'a Canary>,
    belongings: Belongings,
    timeline: Option<Timeline>,
}

impl Opened<'_> {
    fn revisions(&self) -> Vec<Revision> {
        self.rollout.map_or_else(Vec::new, |rollout| revisions(rollout, &self.belongings))
    }
}

/// The release that the screen is about.
fn opened(state: &State) -> Option<Opened<'_>> {
    let key: &Key = state.subject()?;
    let cluster = &state.environment().cluster;
    let release = state.release(key)?;
    let rollout = cluster.rollout(key).map(|rollout| &**rollout);
    let belongings = cluster.belongings(key);
    let timeline = rollout.and_then(|rollout| timeline(rollout, &belongings, state.cluster_time()));
    let canary = cluster.canary(key).map(|canary| &**canary);
    Some(Opened { release, rollout, canary, belongings, timeline })
}

fn focused(state: &State, pane: Pane) -> bool {
    state.focus == pane && state.overlay.is_none()
}

/// Dims what is old.
fn age(state: &State, theme: &Theme, buffer: &mut Buffer, area: Rect) {
    if state.freshness().is_stale() {
        theme.age(buffer, area.intersection(buffer.area));
    }
}

/// The age of what a pane shows, for its edge; nothing while it is fresh.
fn stale(state: &State, theme: &Theme) -> super::pieces::Pieces<'static> {
    fresh::stale(theme, &state.freshness(), state.now)
}

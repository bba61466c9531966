//! Alerts that are raised: those of the release that the keys are about before all others.

use std::cmp::Reverse;

use super::state::State;
use crate::domain::signal::{Alert, AlertState};

impl State {
    /// Alerts that fire or will, those of the subject first, firing before pending, then by name.
    pub fn raised_alerts(&self) -> Vec<&Alert> {
        let metrics = &self.environment().metrics;
        let ours = self.subject().map(|key| metrics.alerts_of(key)).unwrap_or_default();
        let is_ours = |alert: &Alert| ours.iter().any(|own| std::ptr::eq(*own, alert));
        let mut all: Vec<_> = metrics.alerts.iter().filter(|alert| alert.state != AlertState::Inactive).collect();
        all.sort_by(|a, b| (Reverse(is_ours(a)), a.state, &a.name).cmp(&(Reverse(is_ours(b)), b.state, &b.name)));
        all
    }

    /// Alerts that fire about the release that the keys are about.
    pub fn firing(&self) -> Vec<&Alert> {
        let metrics = &self.environment().metrics;
        let ours = self.subject().map(|key| metrics.alerts_of(key)).unwrap_or_default();
        ours.into_iter().filter(|alert| alert.state == AlertState::Firing).collect()
    }
}

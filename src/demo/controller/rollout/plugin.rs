//! Plugin steps: the world knows no plugins, so each simply runs for a while and succeeds; its state is kept as the API
//! has it, so that clients can show it.

use jiff::SignedDuration;

use super::super::desk::{stamp, time};
use super::scene::Scene;
use super::spec::Step;
use super::status::Plugin;

/// How long a plugin takes.
const TAKES: SignedDuration = SignedDuration::from_secs(6);

impl Scene<'_, '_> {
    /// Runs the plugin of the current step.
    pub fn reconcile_plugin(&mut self) {
        let Some(Step::Plugin { name, config }) = self.step().cloned() else { return };
        if self.spec.paused || self.aborted() {
            return;
        }
        let (index, now) = (self.index(), self.desk.now);
        let statuses = &mut self.after.canary.step_plugin_statuses;
        let known = statuses.iter().position(|status| status.index == index);
        let Some(place) = known else {
            statuses.push(Plugin {
                index,
                name,
                operation: "Run".to_owned(),
                phase: "Running".to_owned(),
                started_at: Some(stamp(now)),
                updated_at: Some(stamp(now)),
                executions: 1,
                ..Plugin::default()
            });
            let at = self.at.clone();
            self.desk.wake(&at, now + TAKES);
            return;
        };
        let status = &mut statuses[place];
        let end = status.started_at.as_deref().and_then(time).map_or(now, |start| start + TAKES);
        if status.phase != "Running" {
            return;
        }
        if now < end {
            let at = self.at.clone();
            self.desk.wake(&at, end);
            return;
        }
        // A scenario can let one fail by its configuration.
        let fails = config["fail"] == true;
        if fails { "Failed" } else { "Successful" }.clone_into(&mut status.phase);
        config["message"].as_str().unwrap_or_default().clone_into(&mut status.message);
        (status.updated_at, status.finished_at) = (Some(stamp(now)), Some(stamp(now)));
        if fails {
            let message = status.message.clone();
            self.abort(format!("Step Plugin {} ({name}) failed: {message}", index + 1));
        }
    }

    /// Whether the current step's plugin is done.
    pub fn plugin_done(&self) -> bool {
        let index = self.index();
        self.after.canary.step_plugin_statuses.iter().any(|status| status.index == index && status.phase == "Successful")
    }
}

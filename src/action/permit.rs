//! What may be done at all, below every screen and subcommand: read-only, an environment that is never written, and a demo that may
//! touch its own world only. Knows nothing of clusters.

use crate::config::{Environment, Settings, Write};
use crate::domain::action::{Act, Authority};

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    readonly: bool,
    demo: bool,
    /// Whether any signal is a gate: then every act forward has to bring what its gates said.
    gated: bool,
}

impl Permit {
    /// What the settings permit.
    pub fn of(settings: &Settings) -> Self {
        let gated = settings.signals.iter().any(|signal| signal.gate);
        Self { readonly: settings.readonly, demo: settings.demo, gated }
    }

    /// Why an act may not be carried out here; None if it may. The server's URL is asked for only in a demo.
    pub fn refuses(self, act: &Act, environment: &Environment, server: Option<&str>) -> Option<String> {
        let what = format!("{} {}", act.plan.verb.words(), act.seen.key);
        if act.authority == Authority::Guard && !act.plan.verb.is_back() {
            return Some(format!("A guard only takes back and holds: {what} was not sent."));
        }
        if act.dry_run && !self.demo {
            return None;
        }
        if self.readonly && !act.dry_run {
            return Some(format!("This is read-only (--readonly): {what} was not sent."));
        }
        if environment.write == Write::Never && !act.dry_run {
            let name = &environment.name;
            return Some(format!(
                "Environment '{name}' is never written (write = \"never\" in the configuration): {what} was not sent."
            ));
        }
        if self.demo && server.is_some_and(|server| !is_own(server)) {
            return Some(format!("A demo touches nothing but its own world: {what} was not sent."));
        }
        if let Some(why) = act.gates.refuse(&act.plan, self.gated && environment.prometheus.is_some()) {
            return Some(format!("Its gates block it ({why}): {what} was not sent."));
        }
        if act.unrecorded && !act.plan.verb.is_back() {
            return Some(format!("Only a step back goes unrecorded: {what} was not sent."));
        }
        None
    }

    /// Why a guard may be neither armed nor cancelled here; None if it may.
    pub fn forbids_guards(self, environment: &Environment, server: Option<&str>) -> Option<String> {
        let name = &environment.name;
        if self.readonly {
            return Some("This is read-only (--readonly): a guard would hold and take back.".to_owned());
        }
        if environment.write == Write::Never {
            return Some(format!(
                "Environment '{name}' is never written (write = \"never\" in the configuration), not by a guard either."
            ));
        }
        let strange = self.demo && server.is_some_and(|server| !is_own(server));
        strange.then(|| "A demo touches nothing but its own world: no guard was armed.".to_owned())
    }
}

/// Whether a server is a demo's own world.
fn is_own(server: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:"].iter().any(|local| server.starts_with(local))
}

//! What is done about a release without writing to it, on the ledger: arming a guard, disarming one, cancelling one.

use super::carry::{append, operator};
use super::desk::{Desk, Line};
use crate::domain::action::{Authority, Position, Seen};
use crate::ledger::{self, Body, Ending, Text};

/// Something about a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It begins to watch.
    Arm,
    /// Whoever armed it takes it away.
    Disarm,
    /// Somebody cancels the guards of a version.
    Cancel,
}

impl Deed {
    /// Its name on the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm => "guard-arm",
            Self::Disarm => "guard-disarm",
            Self::Cancel => "guard-cancel",
        }
    }

    fn plan(self) -> &'static str {
        match self {
            Self::Arm => "watch its signals: hold it, and take it back after a countdown, when they stay over their limits",
            Self::Disarm => "watch it no longer; another guard takes over if one stands by",
            Self::Cancel => "end all guards of this version",
        }
    }
}

/// An entry that says what was meant and waits for what came of it.
#[derive(Debug)]
pub struct Recorded(Text);

impl Desk {
    /// Writes down what is about to be done. The error says why it cannot be recorded.
    pub async fn record(
        &self,
        line: &Line,
        deed: Deed,
        (seen, reason, authority): (&Seen, &str, Authority),
    ) -> Result<Recorded, String> {
        let cluster = self.known(line).await.unwrap_or_else(|_| "not read".to_owned());
        let text = |text: &str| (!text.is_empty()).then(|| Text::from(text));
        let (step, phase) = match &seen.position {
            Position::Rollout { step, .. } => (step.and_then(|step| usize::try_from(step).ok()), None),
            Position::Canary { phase, .. } => (None, text(phase)),
        };
        let intent = ledger::Intent {
            operator: operator(self.user(line).await),
            authority: match authority {
                Authority::Dialog => ledger::Authority::Dialog,
                Authority::Cli => ledger::Authority::Cli,
                Authority::Guard => ledger::Authority::Guard,
            },
            environment: self.environment.name.as_str().into(),
            cluster: cluster.into(),
            object: ledger::Object {
                kind: seen.key.kind.name().into(),
                namespace: (*seen.key.namespace).into(),
                name: (*seen.key.name).into(),
                uid: (*seen.uid).into(),
                revision: seen.revision,
                pod_hash: text(&seen.current),
                stable_hash: text(&seen.stable),
                step,
                phase,
            },
            verb: deed.name().into(),
            plan: vec![deed.plan().into()],
            reason: reason.into(),
            digest: ledger::digest(deed.name(), &seen.key.to_string(), seen.current.as_bytes()),
            ..ledger::Intent::default()
        };
        let entry = append(self.shared.ledger.clone(), self.shared.clock.now(), Body::Intent(Box::new(intent))).await?;
        match entry.body {
            Body::Intent(intent) => Ok(Recorded(intent.act)),
            _ => Err("the ledger wrote something else".to_owned()),
        }
    }

    /// Writes down what came of it: done, or refused. If that fails, the entry stays open, and the next start settles it.
    pub async fn conclude(&self, recorded: Recorded, came: Result<String, String>) {
        let (result, detail) = match came {
            Ok(detail) => (Ending::Observed, detail),
            Err(detail) => (Ending::Refused, detail),
        };
        let outcome = ledger::Outcome { act: recorded.0, result, detail: detail.into(), observed: Vec::new(), settled_by: None };
        if let Err(why) = append(self.shared.ledger.clone(), self.shared.clock.now(), Body::Outcome(outcome)).await {
            tracing::error!("what came of arming or ending a guard could not be recorded: {why}");
        }
    }
}

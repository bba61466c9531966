//! What a guard says: talk for people on stderr, one JSON document a line on stdout.

use std::io::Write as _;

use jiff::Timestamp;
use serde_json::json;

use super::super::Failure;
use crate::domain::guard::{State, Status};
use crate::domain::id::Key;

/// How it says things.
#[derive(Clone, Debug)]
pub struct Say {
    /// One JSON document a line.
    pub json: bool,
    /// The environment.
    pub environment: String,
    /// The release.
    pub key: Key,
}

impl Say {
    /// Talk.
    pub fn talk(&self, now: Timestamp, words: &str) -> Result<(), Failure> {
        if self.json {
            return self.document(now, "said", &json!({ "message": words }));
        }
        writeln!(std::io::stderr().lock(), "{}  {}: {words}", now.strftime("%H:%M:%SZ"), self.key)?;
        Ok(())
    }

    /// Where the guard is now; people have been told in words already.
    pub fn state(&self, now: Timestamp, status: &Status) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let until = match status.state {
            State::Countdown { until } => Some(until),
            _ => None,
        };
        let state = json!({
            "state": status.state.word(), "evidence": &*status.evidence, "countdown_in_seconds": status.left, "acts_at": until,
        });
        self.document(now, "state", &state)
    }

    /// The answer.
    pub fn answer(&self, now: Timestamp, words: &str) -> Result<(), Failure> {
        if self.json {
            return self.document(now, "ended", &json!({ "message": words }));
        }
        writeln!(std::io::stdout().lock(), "{words}")?;
        Ok(())
    }

    fn document(&self, now: Timestamp, event: &str, more: &serde_json::Value) -> Result<(), Failure> {
        let mut document = json!({
            "version": 1, "event": event, "at": now, "environment": self.environment,
            "namespace": &*self.key.namespace, "name": &*self.key.name, "kind": self.key.kind.name(),
        });
        if let (Some(document), Some(more)) = (document.as_object_mut(), more.as_object()) {
            document.extend(more.clone());
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{document}")?;
        Ok(out.flush()?)
    }
}

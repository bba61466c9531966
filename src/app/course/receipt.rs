//! The receipt of an act that is over: one block for the incident channel. Only what was seen or said; what is not known is left out.

use jiff::Timestamp;

use super::super::acting::capital;
use super::super::page::{Row, Tone};
use super::marks::{Moment, span};
use super::{Course, done};
use crate::domain::action::watch::WATCH;
use crate::domain::action::{Do, Outcome, Taken, Ticket, Until};
use crate::domain::duration::clock;

/// A line of the receipt: its name and what it says.
type Entry = (&'static str, String);

impl Course {
    /// The receipt as rows; empty until the act is over, or if it changed nothing.
    pub(super) fn receipt(&self, moment: &Moment<'_>) -> Vec<Row> {
        let entries = self.entries(moment);
        if entries.is_empty() {
            return Vec::new();
        }
        let title = Row::words("", "receipt").meant(Tone::Dim).weighing(7);
        let lines = entries.into_iter().map(|(name, words)| Row {
            indent: 2,
            ..Row::words("", format!("{name:<10}{}", words.replace('\n', " "))).weighing(6)
        });
        let hint = Row { indent: 2, ..Row::words("", "y copies it as Markdown").meant(Tone::Dim).weighing(8) };
        std::iter::once(title).chain(lines).chain([hint]).collect()
    }

    /// The receipt as Markdown; None until there is one.
    pub(in crate::app) fn markdown(&self, now: Timestamp, cluster: Timestamp, place: &str) -> Option<String> {
        let entries = self.entries(&Moment { now, cluster, patience: 0, place });
        if entries.is_empty() {
            return None;
        }
        let key = &self.act.seen.key;
        let mut text = format!("**{} `{key}`** in `{place}`\n\n", capital(done(self.act.plan.verb)));
        for (name, words) in entries {
            text.extend(["- ", name, ": ", &words.replace('\n', " "), "\n"]);
        }
        Some(text)
    }

    fn entries(&self, moment: &Moment<'_>) -> Vec<Entry> {
        let Some((at, outcome)) = &self.ended else { return Vec::new() };
        let said = match outcome {
            Outcome::Observed(text) => ("observed", text),
            Outcome::Accepted(text) => ("accepted", text),
            Outcome::Undetermined(text) => ("unknown", text),
            Outcome::WouldDo(_)
            | Outcome::Refused(_)
            | Outcome::NotSent(_)
            | Outcome::NotRecorded(_)
            | Outcome::OtherCluster(_) => return Vec::new(),
        };
        let by = self.user.as_ref().map_or_else(String::new, |user| format!(" by {user}"));
        let mut all = vec![("pressed", format!("{}{by} in {}", self.pressed.strftime("%Y-%m-%d %H:%M:%S UTC"), moment.place))];
        if let Some(versions) = self.versions() {
            all.push(("versions", versions));
        }
        if let Some(off) = self.traffic_off() {
            all.push(("traffic", format!("off the bad revision after {}", span(self.pressed, off))));
        }
        all.push((
            said.0,
            format!("after {}{}", span(self.pressed, *at), if said.1.is_empty() { String::new() } else { format!(": {}", said.1) }),
        ));
        if let Some(watch) = &self.watch {
            let held = watch.held(moment.cluster);
            match &watch.broken {
                Some((_, words)) => all.push(("back", format!("{words}, after {}", clock(held)))),
                None if watch.over && held < WATCH => {}
                None => all.push(("held", clock(held))),
            }
        }
        if let Some(recovery) = &self.recovery {
            if let Some(at) = recovery.at {
                let words = format!("{} after {}, at {}", recovery.words(), span(self.pressed, at), at.strftime("%H:%M:%S UTC"));
                all.push(("recovered", words));
            }
            if let Some(failed) = recovery.failed {
                all.push(("failed", format!("at least {failed:.0} requests since the key was pressed")));
            }
        }
        if self.act.gates.overridden {
            all.push(("override", self.act.gates.arithmetic()));
        }
        all.push(("reason", self.act.reason.clone()));
        if let Ticket::Given(ticket) = &self.act.ticket {
            all.push(("ticket", ticket.clone()));
        }
        match &self.recorded {
            Some((_, Ok(name))) => all.push(("record", name.clone())),
            Some((_, Err(why))) => all.push(("record", format!("none: {why}"))),
            None => {}
        }
        let owed = self.owed();
        if !owed.is_empty() {
            all.push(("owed", owed.join(", ")));
        }
        all
    }

    /// From which version to which.
    fn versions(&self) -> Option<String> {
        let target = self.act.plan.target.as_ref()?;
        let from = self.taken.as_ref().map(Taken::name)?;
        Some(format!("{from} → rev {} ({})", target.revision, target.images))
    }

    /// From when on what was broken can be well again: the traffic is off it, or all that was to be done was seen.
    pub(super) fn relieved(&self) -> Option<Timestamp> {
        let done = || self.ended.as_ref().filter(|(_, outcome)| matches!(outcome, Outcome::Observed(_))).map(|(at, _)| *at);
        self.traffic_off().or_else(done)
    }

    /// When the traffic was seen to be off what was taken back.
    fn traffic_off(&self) -> Option<Timestamp> {
        let mut steps = self.act.plan.steps.iter().zip(&self.steps);
        let off = steps.find(|(step, _)| matches!(step.does, Do::Await(Until::TrafficBack | Until::FlaggerFailed)))?;
        off.1.observed
    }
}

//! Acts that were confirmed: how each goes, step by step, as its reports say; what came of it; and the watch afterwards. Says nothing that
//! was not heard: an act is done when its effect was seen, never because a request was answered.

mod marks;
mod receipt;
mod recovery;
mod watch;

use jiff::Timestamp;

use super::dialog::Dialog;
use super::environment::Environment;
use super::notice::Tone as Weight;
use super::page::Sign;
use super::state::{Overlay, State};
use crate::domain::action::{Act, Outcome, Report, Taken, Ticket, Verb, What};
use crate::domain::duration::clock;
use crate::domain::id::{EnvironmentId, Key};

pub(super) use marks::page;
pub use recovery::Recovery;
pub use watch::Watch;

/// Acts of an environment that are kept.
const KEPT: usize = 20;
/// Seconds for which the end of an act that left nothing to watch stays on the screen.
const LINGER: i64 = 60;

/// One act and how it goes.
#[derive(Clone, Debug)]
pub struct Course {
    /// The act.
    pub act: Act,
    /// When it was confirmed, by the local clock.
    pub pressed: Timestamp,
    /// When it was on the ledger, and under which name; or that it is not, and why.
    pub recorded: Option<(Timestamp, Result<String, String>)>,
    /// What was heard of each step of its plan.
    pub steps: Vec<StepMarks>,
    /// What it came to, and when.
    pub ended: Option<(Timestamp, Outcome)>,
    /// The watch, once what was taken back is back.
    pub watch: Option<Watch>,
    /// Whether what was broken is well again; None where nothing was known to be broken.
    pub recovery: Option<Recovery>,
    heard: Timestamp,
    taken: Option<Taken>,
    user: Option<String>,
    form: Option<Box<Dialog>>,
}

/// What was heard of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepMarks {
    /// When its request was sent.
    pub sent: Option<Timestamp>,
    /// When the server took it.
    pub accepted: Option<Timestamp>,
    /// That the answer was lost, and what was said.
    pub unknown: Option<String>,
    /// How far its effect has come.
    pub progress: Option<String>,
    /// What to look at, if it does not come further.
    pub stuck: Option<String>,
    /// When its effect was seen.
    pub observed: Option<Timestamp>,
}

/// The window of an act's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Where.
    pub environment: EnvironmentId,
    /// Which act.
    pub act: u64,
    /// Rows that are scrolled past.
    pub scroll: usize,
}

impl Marks {
    /// Those of an act.
    pub fn of(course: &Course) -> Self {
        Self { environment: course.act.environment, act: course.act.number, scroll: 0 }
    }
}

/// A line about an act, for *Now* and the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which act.
    pub act: u64,
    /// How it goes.
    pub sign: Sign,
    /// The release.
    pub name: String,
    /// What happens: `rolling back · traffic 25→10 %`.
    pub words: String,
}

/// The acts of one environment, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Courses {
    all: Vec<Course>,
}

impl Courses {
    /// One more.
    pub(super) fn begin(&mut self, course: Course) {
        self.all.push(course);
        while self.all.len() > KEPT {
            let over = self.all.iter().position(|course| course.ended.is_some() && !course.is_watched());
            self.all.remove(over.unwrap_or_default());
        }
    }

    /// All of them, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Course> {
        self.all.iter().rev()
    }

    /// An act by its number.
    pub fn get(&self, act: u64) -> Option<&Course> {
        self.all.iter().find(|course| course.act.number == act)
    }

    /// The newest act of this verb on a release.
    pub fn newest(&self, key: &Key, verb: Verb) -> Option<&Course> {
        self.newest_first().find(|course| course.act.seen.key == *key && course.act.plan.verb == verb)
    }

    /// What was typed for an act that was refused. An override is not brought back by a key that is none.
    pub(super) fn take_form(&mut self, key: &Key, verb: Verb, overrides: bool) -> Option<Box<Dialog>> {
        let newest = self.all.iter_mut().rev().find(|course| course.act.seen.key == *key && course.act.plan.verb == verb)?;
        newest.ended.as_ref()?;
        newest.form.take_if(|form| form.overrides.is_some() == overrides)
    }
}

impl Course {
    /// An act that was confirmed just now.
    pub(super) fn new(act: Act, now: Timestamp, taken: Option<Taken>, form: Box<Dialog>) -> Self {
        // An act that takes nothing back mends nothing.
        let recovery = taken.as_ref().and_then(|_| Recovery::of(&act.gates.judgements));
        let steps = act.plan.steps.iter().map(|_| StepMarks::default()).collect();
        let user = form.review.as_ref().and_then(|review| review.user.clone());
        Self {
            act,
            pressed: now,
            recorded: None,
            steps,
            ended: None,
            watch: None,
            recovery,
            heard: now,
            taken,
            user,
            form: Some(form),
        }
    }

    /// Whether its way back is still watched.
    pub fn is_watched(&self) -> bool {
        let recovers = self.recovery.as_ref().is_some_and(|recovery| recovery.is_open() && self.relieved().is_some());
        recovers || self.watch.as_ref().is_some_and(|watch| !watch.over)
    }

    /// Whether any request of it was taken.
    pub fn was_accepted(&self) -> bool {
        self.steps.iter().any(|step| step.accepted.is_some())
    }

    /// Takes in a report about it.
    fn hear(&mut self, report: &Report) {
        if self.ended.is_some() {
            return;
        }
        let at = report.at;
        self.heard = self.heard.max(at);
        let steps = &mut self.steps;
        let mut step = |place: usize, change: &dyn Fn(&mut StepMarks)| {
            if let Some(step) = steps.get_mut(place) {
                change(step);
            }
        };
        match &report.what {
            What::Recorded(name) => self.recorded = Some((at, Ok(name.clone()))),
            What::Unrecorded(why) => self.recorded = Some((at, Err(why.clone()))),
            What::Sent(place) => step(*place, &|step| step.sent = Some(at)),
            What::Accepted(place) => step(*place, &|step| (step.accepted, step.unknown) = (Some(at), None)),
            What::Unknown(place, why) => step(*place, &|step| step.unknown = Some(why.clone())),
            What::Progress(place, words) => step(*place, &|step| {
                (step.progress, step.stuck) = (Some(words.clone()), None);
            }),
            What::Stuck(place, what) => step(*place, &|step| step.stuck = Some(what.clone())),
            What::Observed(place) => step(*place, &|step| (step.observed, step.stuck, step.unknown) = (Some(at), None, None)),
            What::Ended(outcome) => self.ended = Some((at, outcome.clone())),
        }
    }

    /// What is heard of it last, in a few words.
    fn latest(&self) -> &str {
        let mut steps = self.steps.iter().rev();
        let step = steps.find(|step| **step != StepMarks::default());
        match step {
            Some(step) => match (&step.stuck, &step.unknown, &step.progress) {
                (Some(what), ..) => what,
                (_, Some(_), _) => "outcome unknown, being read",
                _ if step.observed.is_some() => "observed",
                (.., Some(words)) => words,
                _ if step.accepted.is_some() => "accepted",
                _ => "sent",
            },
            None if self.recorded.is_some() => "recorded",
            None => "being recorded",
        }
    }

    /// A line about it, as long as it is worth one; `now` is the local clock, `cluster` the cluster's.
    pub fn line(&self, now: Timestamp, cluster: Timestamp) -> Option<Line> {
        let line = |sign, words: String| Some(Line { act: self.act.number, sign, name: self.act.seen.key.name.to_string(), words });
        let verb = self.act.plan.verb;
        let Some((at, outcome)) = &self.ended else {
            let stuck = self.steps.iter().any(|step| step.stuck.is_some());
            let lost = self.steps.iter().any(|step| step.unknown.is_some());
            let sign = if stuck {
                Sign::Bad
            } else if lost {
                Sign::Unknown
            } else {
                Sign::Running
            };
            return line(sign, format!("{} · {}", doing(verb), self.latest()));
        };
        if let Some(watch) = self.watch.as_ref().filter(|watch| !watch.over) {
            return match &watch.broken {
                Some((_, words)) => line(Sign::Bad, words.clone()),
                None => line(Sign::Waiting, format!("{} · held {}", done(verb), clock(watch.held(cluster)))),
            };
        }
        let (sign, words) = self.end(outcome);
        (now.duration_since(*at).as_secs() < LINGER).then(|| line(sign, words)).flatten()
    }

    /// What it came to, in words.
    fn end(&self, outcome: &Outcome) -> (Sign, String) {
        let verb = self.act.plan.verb;
        match outcome {
            Outcome::Observed(text) => (Sign::Good, joined(done(verb), text)),
            Outcome::WouldDo(text) => (Sign::Good, joined("it would be taken", text)),
            Outcome::Accepted(text) => (Sign::Warning, joined("accepted, its effect was not seen in time", text)),
            Outcome::Refused(text) | Outcome::NotSent(text) => (Sign::Bad, joined(&format!("not {}", done(verb)), text)),
            Outcome::NotRecorded(text) => (Sign::Bad, joined(&format!("not {}: it cannot be recorded", done(verb)), text)),
            Outcome::OtherCluster(text) => (Sign::Bad, joined(&format!("not {}: another cluster", done(verb)), text)),
            Outcome::Undetermined(text) => (Sign::Unknown, joined("nobody knows what came of it", text)),
        }
    }

    /// What is to be done later by somebody.
    fn owed(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.act.ticket == Ticket::Owed {
            all.push("a ticket".to_owned());
        }
        for (step, marks) in self.act.plan.steps.iter().zip(&self.steps) {
            if let (crate::domain::action::Do::PauseSync { application, .. }, Some(_)) = (&step.does, marks.accepted) {
                all.push(format!("turn the automatic sync of {application} on again"));
            }
        }
        all
    }
}

fn joined(words: &str, text: &str) -> String {
    if text.is_empty() { words.to_owned() } else { format!("{words}: {text}") }
}

/// What happens while a verb is carried out.
pub fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Promote => "promoting",
        Verb::PromoteFull => "promoting to 100 %",
        Verb::Hold => "holding",
        Verb::Resume => "resuming",
        Verb::Abort => "aborting",
        Verb::Retry => "retrying",
        Verb::RollBack => "rolling back",
        Verb::Restart => "restarting",
        Verb::SkipStep => "skipping a step",
        Verb::SetImage => "releasing another image",
        Verb::TerminateAnalysis => "terminating an analysis",
    }
}

/// What happened when a verb was carried out.
pub fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Promote => "promoted",
        Verb::PromoteFull => "promoted to 100 %",
        Verb::Hold => "held",
        Verb::Resume => "resumed",
        Verb::Abort => "aborted",
        Verb::Retry => "retried",
        Verb::RollBack => "rolled back",
        Verb::Restart => "restarted",
        Verb::SkipStep => "skipped a step",
        Verb::SetImage => "released another image",
        Verb::TerminateAnalysis => "terminated an analysis",
    }
}

impl State {
    /// Lines about the acts of the environment on the screen, the newest first.
    pub fn act_lines(&self) -> Vec<Line> {
        let (now, cluster) = (self.now, self.cluster_time());
        self.environment().courses.newest_first().filter_map(|course| course.line(now, cluster)).collect()
    }

    /// The act whose marks are on the screen.
    pub fn course(&self) -> Option<(&Environment, &Course)> {
        let Some(Overlay::Marks(marks)) = &self.overlay else { return None };
        let environment = self.environment_named(marks.environment)?;
        environment.courses.get(marks.act).map(|course| (environment, course))
    }
}

/// A report came. Says whether it rings.
pub(super) fn hear(state: &mut State, report: &Report) -> bool {
    let now = state.now;
    let known = |environment: &&mut Environment| environment.courses.get(report.act).is_some();
    let Some(environment) = state.environments.iter_mut().find(known) else { return false };
    let shown = matches!(&state.overlay, Some(Overlay::Marks(marks)) if marks.act == report.act);
    let form = environment.hear_report(report, now);
    let rings = environment.watch(now);
    let Some(form) = form else { return rings };
    if shown {
        state.overlay = Some(Overlay::Dialog(form));
    } else if let Some(course) = state.environments.iter_mut().find_map(|one| one.courses.find(report.act)) {
        // Nobody is interrupted: the key brings the text back.
        course.form = Some(form);
    }
    true
}

impl Courses {
    fn find(&mut self, act: u64) -> Option<&mut Course> {
        self.all.iter_mut().find(|course| course.act.number == act)
    }
}

impl Environment {
    /// Takes in a report; gives back the form of an act that was refused before anything was changed.
    fn hear_report(&mut self, report: &Report, now: Timestamp) -> Option<Box<Dialog>> {
        let cluster = self.cluster_time(report.at);
        let course = self.courses.find(report.act)?;
        let before = course.ended.is_some();
        course.hear(report);
        let key = course.act.seen.key.clone();
        let (Some((_, outcome)), false) = (course.ended.clone(), before) else {
            if matches!(report.what, What::Accepted(_)) {
                self.supersede(&key, report.act);
            }
            return None;
        };
        let (sign, words) = course.end(&outcome);
        let form = course.refused(&outcome);
        if matches!(outcome, Outcome::Observed(_)) {
            course.watch = course.taken.clone().map(|taken| Watch::begin(taken, cluster));
        }
        let tone = match sign {
            Sign::Good => Weight::Good,
            Sign::Bad => Weight::Bad,
            Sign::Running | Sign::Waiting | Sign::Warning | Sign::Unknown | Sign::Queued => Weight::Warn,
        };
        self.notices.say(Some(key), tone, words, now);
        form
    }

    /// Another act on the same release has begun to change it: what was watched before is no longer what was meant.
    fn supersede(&mut self, key: &Key, act: u64) {
        let others = self.courses.all.iter_mut().filter(|course| course.act.seen.key == *key && course.act.number < act);
        for course in others {
            if let Some(watch) = &mut course.watch {
                watch.over = true;
            }
            if let Some(recovery) = &mut course.recovery {
                recovery.close();
            }
        }
    }
}

impl Course {
    /// The form to be filled in again, with the refusal; None where there is nothing to ask again.
    fn refused(&mut self, outcome: &Outcome) -> Option<Box<Dialog>> {
        let back = self.act.plan.verb.is_back();
        let mut form = self.form.take().filter(|_| !self.was_accepted())?;
        let refusal = match outcome {
            Outcome::NotRecorded(why) if back => {
                form.unrecorded = true;
                format!("{why} Go back without a record?")
            }
            Outcome::NotRecorded(why) => format!("it cannot be recorded: {why}"),
            Outcome::OtherCluster(what) => super::dialog::confirm::trust(what),
            Outcome::Refused(why) | Outcome::NotSent(why) => why.clone(),
            Outcome::Observed(_) | Outcome::WouldDo(_) | Outcome::Accepted(_) | Outcome::Undetermined(_) => return None,
        };
        form.refusal = Some(refusal);
        form.focus = super::page::Focus::Confirm;
        Some(form)
    }
}

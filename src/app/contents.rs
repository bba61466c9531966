//! What is in a release: asks for it when its screen opens, and lays out what was found, line by line. The same lines for drawing and
//! for scrolling.

use jiff::Timestamp;

use super::effect::Effect;
use super::state::{Screen, State};
use crate::domain::action::Seen;
use crate::domain::contents::{Contents, Difference, Named};
use crate::domain::id::{EnvironmentId, Key};

/// From this width on a difference has one line: path, old, new.
pub const WIDE: u16 = 84;

/// What was asked about one release, and what was found.
#[derive(Debug)]
pub struct Inspection {
    /// Which release.
    pub key: Key,
    /// What was found, or why nothing; None until the answer is there.
    pub found: Option<Result<Contents, String>>,
    /// When it was asked, by the local clock.
    pub at: Timestamp,
    environment: EnvironmentId,
    number: u64,
    /// Its uid, and the pod hashes of the newest revision and of stable, when it was asked.
    state: [Box<str>; 3],
}

/// A line of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Title of a chapter, and a remark.
    Title(&'static str, String),
    /// A sentence.
    Words(String),
    /// A container with its image before and after.
    Image(&'a str, Option<&'a str>, Option<&'a str>),
    /// What differs, in one line.
    Difference(&'a Difference),
    /// Where something differs; how stands in the next line.
    Path(&'a str),
    /// How it differs.
    Change(&'a Difference),
    /// A ConfigMap or Secret.
    Named(&'a Named),
    /// What could not be looked at.
    Refused(&'a str),
    /// Nothing.
    Empty,
}

impl Inspection {
    /// Whether the release has moved to another revision since.
    pub fn is_old(&self, state: &State) -> bool {
        hashes(state, &self.key).is_some_and(|now| now != self.state)
    }
}

/// The inspection of the release whose contents are on the screen.
pub fn shown(state: &State) -> Option<&Inspection> {
    let Screen::Contents(key) = &state.screen else { return None };
    state.inspection.as_ref().filter(|asked| asked.environment == state.shown && asked.key == *key)
}

/// Asks what is in the release on the screen, unless that was asked already.
pub(super) fn follow(state: &mut State) -> Option<Effect> {
    let Screen::Contents(key) = &state.screen else { return None };
    if shown(state).is_some() { None } else { ask(state, key.clone()) }
}

/// Asks anew about the release on the screen; what was found before stays until the answer is there.
pub(super) fn again(state: &mut State) -> Option<Effect> {
    let asked = shown(state)?;
    let key = asked.key.clone();
    let before = state.inspection.take().and_then(|asked| asked.found);
    let effect = ask(state, key);
    if let Some(asked) = state.inspection.as_mut() {
        asked.found = asked.found.take().or(before);
    }
    effect
}

fn ask(state: &mut State, key: Key) -> Option<Effect> {
    let (environment, at) = (state.shown, state.now);
    state.inspections += 1;
    let number = state.inspections;
    let known = hashes(state, &key);
    let there = known.is_some();
    let known = known.unwrap_or_default();
    let [uid, ..] = known.clone();
    let found = if there { None } else { Some(Err("It is gone from the cluster.".to_owned())) };
    state.inspection = Some(Inspection { key: key.clone(), found, at, environment, number, state: known });
    there.then_some(Effect::Inspect { number, environment, key, uid })
}

/// The answer to an inspection. One that nobody waits for any more is dropped.
pub(super) fn answer(state: &mut State, number: u64, found: Result<Contents, String>) {
    if let Some(asked) = state.inspection.as_mut().filter(|asked| asked.number == number) {
        asked.found = Some(found);
    }
}

/// What tells whether a release is still as it was: its uid and the pod hashes of the newest revision and of stable.
fn hashes(state: &State, key: &Key) -> Option<[Box<str>; 3]> {
    let cluster = &state.environment().cluster;
    let rollout = cluster.rollout(key).map(|rollout| Seen::of_rollout(rollout));
    let seen = rollout.or_else(|| cluster.canary(key).map(|canary| Seen::of_canary(canary)))?;
    Some([seen.uid, seen.current, seen.stable])
}

/// The lines of what was found, for so many cells.
pub fn lines(contents: &Contents, width: u16) -> Vec<Line<'_>> {
    let mut lines = vec![Line::Title("images", String::new())];
    lines.extend(contents.images().into_iter().map(|(name, old, new)| Line::Image(name, old, new)));
    lines.push(Line::Empty);
    template(contents, width, &mut lines);
    lines.push(Line::Empty);
    named(contents, &mut lines);
    lines
}

fn template<'a>(contents: &'a Contents, width: u16, lines: &mut Vec<Line<'a>>) {
    let count = contents.differences.len();
    let remark = match count {
        0 => String::new(),
        1 => "1 difference".to_owned(),
        count => format!("{count} differences"),
    };
    lines.push(Line::Title("template", remark));
    match &contents.stable {
        None => lines.push(Line::Words("It is the first deployment: there is nothing to compare it with.".to_owned())),
        Some(_) if contents.is_settled() => {
            lines.push(Line::Words("Nothing is on its way: the newest revision is stable.".to_owned()));
        }
        Some(_) if count == 0 => {
            let images = contents.images().iter().any(|(_, old, new)| old != new);
            lines.push(Line::Words(if images { "Nothing else differs." } else { "Nothing differs." }.to_owned()));
        }
        Some(_) => {}
    }
    for difference in &contents.differences {
        if width >= WIDE {
            lines.push(Line::Difference(difference));
        } else {
            lines.push(Line::Path(&difference.path));
            lines.push(Line::Change(difference));
        }
    }
}

fn named<'a>(contents: &'a Contents, lines: &mut Vec<Line<'a>>) {
    let changed = contents.references.iter().filter(|named| named.after_stable).count();
    let remark = if changed > 0 { "going back does not bring back what is in them".to_owned() } else { String::new() };
    lines.push(Line::Title("ConfigMaps and Secrets", remark));
    if contents.references.is_empty() {
        lines.push(Line::Words("The template names none.".to_owned()));
    }
    lines.extend(contents.references.iter().map(Line::Named));
    lines.extend(contents.refused.iter().map(|words| Line::Refused(words)));
}

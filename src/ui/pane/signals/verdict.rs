//! A verdict in words, short for a row and whole for a line of its own. Says nothing that the judgement does not say.

use std::borrow::Cow;

use crate::domain::duration::clock;
use crate::domain::signal::{Judgement, SignalKind, Verdict};
use crate::ui::glyph::Mark;

/// The mark of a verdict.
pub fn mark(verdict: Verdict) -> Mark {
    match verdict {
        Verdict::Pass => Mark::Good,
        Verdict::Warn => Mark::Warning,
        Verdict::TooEarly | Verdict::LowTraffic | Verdict::NoData => Mark::Unknown,
        Verdict::Breach => Mark::Bad,
    }
}

/// The mark of a judgement: none that is good or bad where nobody said what would be.
pub fn mark_of(judgement: &Judgement) -> Mark {
    if judgement.is_only_shown() { Mark::Skipped } else { mark(judgement.verdict) }
}

/// A verdict in a word or two: `ok`, `breach 3:12`, `too early 0:40/5:00`.
pub fn short(judgement: &Judgement) -> Cow<'static, str> {
    match judgement.verdict {
        Verdict::Pass if judgement.is_only_shown() => "no limit".into(),
        Verdict::Pass if judgement.kind == SignalKind::Traffic => "enough".into(),
        Verdict::Breach if judgement.breached > 0 => format!("breach {}", clock(judgement.breached.into())).into(),
        Verdict::TooEarly => match judgement.why.as_deref().and_then(|why| why.split_once(" of ")) {
            Some((past, whole)) => format!("too early {past}/{whole}").into(),
            None => "too early".into(),
        },
        verdict => verdict.words().into(),
    }
}

/// The same with how long of how long, where a breach is counted towards something, in seconds.
pub fn long(judgement: &Judgement, counted: i64) -> Cow<'static, str> {
    match judgement.verdict {
        Verdict::Breach if judgement.breached > 0 && counted > 0 => {
            format!("breach {} of {}", clock(judgement.breached.into()), clock(counted)).into()
        }
        Verdict::NoData | Verdict::Warn => match judgement.why.as_deref() {
            Some(why) => format!("{}: {why}", judgement.verdict.words()).into(),
            None => short(judgement),
        },
        _ => short(judgement),
    }
}

/// What a verdict that is none rests on: requests seen, what so many could show, how long until there is one. None where there is nothing
/// to be said beyond the row, in which the whole of [`long`] stands or not.
pub fn reason(judgement: &Judgement, whole: bool) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    let known = match judgement.verdict {
        Verdict::Pass => return None,
        Verdict::TooEarly => true,
        Verdict::NoData | Verdict::Warn => whole,
        Verdict::LowTraffic | Verdict::Breach => false,
    };
    if !known {
        said.extend(judgement.why.as_deref().map(str::to_owned));
    }
    if judgement.verdict == Verdict::LowTraffic {
        said.extend(shown(judgement, said.last().is_some_and(|why| why.ends_with(" requests"))));
    }
    if judgement.why.as_deref() == Some("no series") {
        said.push("is it scraped? pilothouse config check tells".to_owned());
    }
    if let Some(seconds) = judgement.usable_in {
        said.push(format!("a verdict in {}", clock(seconds.into())));
    }
    (!said.is_empty()).then(|| said.join(" · "))
}

/// `37 requests, which show 2.69% at best`: how many there were, unless that is told, and what so many can show.
fn shown(judgement: &Judgement, told: bool) -> Option<String> {
    let requests = judgement.requests?.round();
    let best = judgement.resolution.map(|resolution| judgement.unit.show(resolution));
    match (told, best) {
        (false, Some(best)) => Some(format!("{requests} requests, which show {best} at best")),
        (true, Some(best)) => Some(format!("so many show {best} at best")),
        (false, None) => Some(format!("{requests} requests")),
        (true, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::{Comparator, Limit, Track, Unit};

    fn judgement(verdict: Verdict, why: Option<&str>) -> Judgement {
        Judgement {
            name: "errors".into(),
            kind: SignalKind::Errors,
            verdict,
            gate: true,
            track: Track::Canary,
            value: Some(0.018),
            stable: Some(0.002),
            limit: Limit { comparator: Comparator::Less, threshold: 0.01 },
            unit: Unit::Ratio,
            breached: if verdict == Verdict::Breach { 192 } else { 0 },
            sampled: None,
            requests: Some(37.2),
            resolution: Some(1.0 / 37.2),
            usable_in: None,
            pods: None,
            why: why.map(Into::into),
        }
    }

    #[test]
    fn a_verdict_says_how_long_of_how_long() {
        let breach = judgement(Verdict::Breach, None);
        assert_eq!((short(&breach), long(&breach, 600)), ("breach 3:12".into(), "breach 3:12 of 10:00".into()));
        let early = Judgement { usable_in: Some(260), ..judgement(Verdict::TooEarly, Some("0:40 of 5:00")) };
        assert_eq!((short(&early), reason(&early, false).as_deref()), ("too early 0:40/5:00".into(), Some("a verdict in 4:20")));
        let few = Judgement { usable_in: Some(412), ..judgement(Verdict::LowTraffic, None) };
        assert_eq!(short(&few), "low traffic");
        assert_eq!(reason(&few, false).as_deref(), Some("37 requests, which show 2.69% at best · a verdict in 6:52"));
        let told = Judgement { why: Some("37 of 100 requests".into()), usable_in: None, ..few };
        assert_eq!(reason(&told, false).as_deref(), Some("37 of 100 requests · so many show 2.69% at best"));
        assert_eq!(reason(&Judgement { resolution: None, ..told }, false).as_deref(), Some("37 of 100 requests"));
        let none = judgement(Verdict::NoData, Some("last sample 2:10 ago"));
        assert_eq!((short(&none), long(&none, 0)), ("no data".into(), "no data: last sample 2:10 ago".into()));
        let gone = judgement(Verdict::NoData, Some("no series"));
        assert_eq!(reason(&gone, true).as_deref(), Some("is it scraped? pilothouse config check tells"));
        assert_eq!((reason(&none, true), reason(&none, false).as_deref()), (None, Some("last sample 2:10 ago")));
        let pass = judgement(Verdict::Pass, None);
        assert_eq!(reason(&pass, false), None);
        let open = Limit { comparator: Comparator::AtLeast, threshold: 0.0 };
        let shown = Judgement { track: Track::All, limit: open, ..pass.clone() };
        assert_eq!((short(&shown), mark_of(&shown), mark_of(&pass)), ("no limit".into(), Mark::Skipped, Mark::Good));
    }
}

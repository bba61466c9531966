//! What a gate says while it waits, on stderr: a line when a verdict changes, and one a minute.

use std::io::Write as _;
use std::time::Duration;

use super::Failure;
use crate::cli::live::Live;
use crate::cli::status::verdict_mark;
use crate::domain::duration::clock;
use crate::domain::signal::{Judgement, MetricsLink, Tally, Verdict};

/// A line at least this often.
const EVERY: Duration = Duration::from_mins(1);

/// What was said last.
#[derive(Debug, Default)]
pub struct Progress {
    said: Option<(Vec<Verdict>, bool, Duration)>,
    /// Whether the time was over when it was said.
    over: bool,
}

impl Progress {
    /// Says how it stands, if there is something to say.
    pub fn tell(
        &mut self,
        signals: &[(Judgement, Tally)],
        (elapsed, length): (Duration, Duration),
        live: &Live,
    ) -> Result<(), Failure> {
        let verdicts: Vec<Verdict> = signals.iter().map(|(judgement, _)| judgement.verdict).collect();
        let down = matches!(live.metrics.link, MetricsLink::Down { .. });
        let over = elapsed >= length;
        let news = self
            .said
            .as_ref()
            .is_none_or(|(before, was_down, at)| *before != verdicts || *was_down != down || elapsed.saturating_sub(*at) >= EVERY);
        if !news && over == self.over {
            return Ok(());
        }
        let parts = signals.iter().map(|(judgement, _)| format!("{} {}", verdict_mark(judgement.verdict), judgement.sentence()));
        let silent = match &live.metrics.link {
            MetricsLink::Down { reason, .. } => Some(format!("metrics server down: {reason}")),
            MetricsLink::Connecting => Some("metrics server not reached yet".to_owned()),
            MetricsLink::Up { .. } | MetricsLink::None => None,
        };
        let text: Vec<String> = silent.into_iter().chain(parts).collect();
        let seconds = |time: Duration| clock(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        let (time, so_far, whole) = (live.local_now().strftime("%H:%M:%SZ"), seconds(elapsed.min(length)), seconds(length));
        writeln!(std::io::stderr().lock(), "{time}  {so_far} of {whole}  {}", text.join(" · "))?;
        self.said = Some((verdicts, down, elapsed));
        self.over = over;
        Ok(())
    }
}

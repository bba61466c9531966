//! How fresh a source is: `● live`, `◌ 14s`, `✖ down 2m: connection refused`.

use jiff::Timestamp;

use crate::app::Freshness;
use crate::ui::glyph::Mark;
use crate::ui::pieces::Pieces;
use crate::ui::text;
use crate::ui::theme::Theme;

/// The mark of a freshness.
pub fn mark(freshness: &Freshness) -> Mark {
    match freshness {
        Freshness::Connecting => Mark::Running,
        Freshness::Live { .. } => Mark::Live,
        Freshness::Empty => Mark::Unknown,
        Freshness::Late { .. } => Mark::Late,
        Freshness::Down { .. } => Mark::Bad,
    }
}

/// How fresh it is, in words.
pub fn words(freshness: &Freshness) -> String {
    match freshness {
        Freshness::Connecting => "connecting".to_owned(),
        Freshness::Live { .. } => "live".to_owned(),
        Freshness::Empty => "no samples".to_owned(),
        Freshness::Late { seconds } => format!("late {}", text::age(*seconds)),
        Freshness::Down { seconds, .. } => format!("down {}", text::age(*seconds)),
    }
}

/// For the edge of a pane whose content is old: `◌ 14s old`. Nothing while it is fresh.
pub fn stale(theme: &Theme, freshness: &Freshness, now: Timestamp) -> Pieces<'static> {
    let seconds = match freshness {
        Freshness::Late { seconds } | Freshness::Down { seconds, ever: true, .. } => *seconds,
        Freshness::Connecting | Freshness::Live { .. } | Freshness::Empty | Freshness::Down { .. } => return Pieces::new(),
    };
    let mark = mark(freshness);
    let words = format!("{} as of {} ago", theme.glyph(mark, now), text::age(seconds));
    Pieces::new().add(0, words, theme.mark(mark))
}

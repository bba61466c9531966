//! The marks: a state is a glyph, a word and a colour, and each glyph is one cell wide in every common terminal. ASCII
//! fallbacks have the same width, so that [`to_ascii`] can turn a finished picture without moving anything.

use jiff::Timestamp;
use ratatui::buffer::Buffer;

use super::theme::Role;

/// What a mark means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Healthy, passed, done.
    Good,
    /// Progressing, running: turns.
    Running,
    /// Waits for a person.
    Paused,
    /// Waits for time.
    Waiting,
    /// Needs an eye.
    Warning,
    /// Failed, breached, degraded.
    Bad,
    /// No data, inconclusive, unknown.
    Unknown,
    /// Not begun.
    Queued,
    /// Left out.
    Skipped,
    /// A source that is up to date.
    Live,
    /// A source that is late.
    Late,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Self; 11] = [
        Self::Good,
        Self::Running,
        Self::Paused,
        Self::Waiting,
        Self::Warning,
        Self::Bad,
        Self::Unknown,
        Self::Queued,
        Self::Skipped,
        Self::Live,
        Self::Late,
    ];

    /// The glyph, where it does not turn.
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Good => "✔",
            Self::Running => "◐",
            Self::Paused => "⏸",
            Self::Waiting => "◷",
            Self::Warning => "▲",
            Self::Bad => "✖",
            Self::Unknown => "?",
            Self::Queued => "○",
            Self::Skipped => "⊘",
            Self::Live => "●",
            Self::Late => "◌",
        }
    }

    /// The colour of its meaning.
    pub fn role(self) -> Role {
        match self {
            Self::Good | Self::Live => Role::Ok,
            Self::Running | Self::Waiting => Role::Info,
            Self::Paused => Role::Accent,
            Self::Warning | Self::Unknown | Self::Late => Role::Warn,
            Self::Bad => Role::Bad,
            Self::Queued | Self::Skipped => Role::Dim,
        }
    }
}

/// The phases of the spinner.
const SPINNER: [&str; 4] = ["◐", "◓", "◑", "◒"];

/// Milliseconds that a phase of the spinner lasts.
const PHASE: i64 = 250;

/// The spinner at a time.
pub fn spinner(now: Timestamp) -> &'static str {
    let phase = now.as_millisecond().div_euclid(PHASE).rem_euclid(4);
    SPINNER[usize::try_from(phase).unwrap_or(0)]
}

/// Everything beyond ASCII that drawing code uses, with its fallback of the same width.
pub const FALLBACKS: [(&str, &str); 56] = [
    ("✔", "+"),
    ("◐", "*"),
    ("◓", "*"),
    ("◑", "*"),
    ("◒", "*"),
    ("⏸", "="),
    ("◷", "@"),
    ("▲", "!"),
    ("✖", "x"),
    ("○", "."),
    ("⊘", "-"),
    ("●", "o"),
    ("◌", "~"),
    ("⬢", "#"),
    ("▸", ">"),
    ("▾", "v"),
    ("→", ">"),
    ("←", "<"),
    ("↑", "^"),
    ("↓", "v"),
    ("⏎", "<"),
    ("·", "."),
    ("…", "~"),
    ("–", "-"),
    ("×", "x"),
    ("│", "|"),
    ("┊", ":"),
    ("─", "-"),
    ("╭", "+"),
    ("╮", "+"),
    ("╰", "+"),
    ("╯", "+"),
    ("├", "|"),
    ("┤", "|"),
    ("└", "`"),
    ("┬", "+"),
    ("┴", "+"),
    ("█", "#"),
    ("▉", "#"),
    ("▊", "#"),
    ("▋", "#"),
    ("▌", "#"),
    ("▍", "."),
    ("▎", "."),
    ("▏", "."),
    ("▁", "_"),
    ("▂", "_"),
    ("▃", "-"),
    ("▄", "-"),
    ("▅", "-"),
    ("▆", "#"),
    ("▇", "#"),
    ("▐", "|"),
    ("━", "="),
    ("┃", "|"),
    ("“", "\""),
];

/// Turns a finished picture to ASCII; what is not ours (a name in another script) stays.
pub fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        if let Some((_, fallback)) = FALLBACKS.iter().find(|(glyph, _)| *glyph == cell.symbol()) {
            cell.set_symbol(fallback);
        }
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn every_glyph_and_fallback_is_one_cell_wide() {
        for (glyph, fallback) in FALLBACKS {
            assert_eq!((glyph.width(), fallback.width()), (1, 1), "{glyph} {fallback}");
            assert_eq!(glyph.width_cjk().min(2), glyph.width_cjk(), "{glyph}");
            assert!(fallback.is_ascii(), "{fallback}");
        }
    }

    #[test]
    fn every_mark_has_a_fallback_of_its_own() {
        let of = |glyph: &str| FALLBACKS.iter().find(|(known, _)| *known == glyph).map_or("?", |(_, fallback)| *fallback);
        let mut seen: Vec<_> = Mark::ALL.iter().map(|mark| of(mark.glyph())).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), Mark::ALL.len());
    }

    #[test]
    fn spinner_turns_four_times_a_second() {
        let at = |millis| spinner(Timestamp::from_millisecond(millis).unwrap());
        assert_eq!([0, 249, 250, 500, 750, 1000, -1].map(at), ["◐", "◐", "◓", "◑", "◒", "◐", "◒"]);
    }
}

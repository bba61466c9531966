//! What an environment asks of those who act there. None of it is ever asked of somebody who goes back: what is missing then is owed.

use regex::Regex;

/// `[policy]`, or what an environment says instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Letters that a reason needs at least; with 0 any that is not empty will do.
    pub reason_min_length: usize,
    /// What a ticket looks like; None takes anything.
    pub ticket_pattern: Option<Pattern>,
    /// Whether an act needs a ticket.
    pub ticket_required: bool,
    /// Reasons that a key inserts, the first nine.
    pub presets: Vec<String>,
    /// How an act is confirmed.
    pub confirm: Confirm,
}

/// How an act forward is confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// By the key on the button.
    #[default]
    Enter,
    /// By typing the rollout's name first.
    Name,
}

/// A regular expression that a whole text has to match.
#[derive(Clone, Debug)]
pub struct Pattern {
    typed: String,
    whole: Regex,
}

impl Pattern {
    /// Reads one; the error is what is wrong with it, in one line.
    pub fn read(typed: &str) -> Result<Self, String> {
        let whole = Regex::new(&format!("^(?:{typed})$")).map_err(|error| {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })?;
        Ok(Self { typed: typed.to_owned(), whole })
    }

    /// Whether a text is of this form.
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.typed == other.typed
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_whole_text() {
        let pattern = Pattern::read("INC-[0-9]+|CHG-[0-9]+").unwrap();
        assert!(pattern.matches("INC-123") && pattern.matches("CHG-9"));
        assert!(!pattern.matches("see INC-123") && !pattern.matches("CHG-9x"));
        let error = Pattern::read("INC-[0-9+").unwrap_err();
        assert!(!error.contains('\n') && error.contains("unclosed"), "{error}");
    }
}

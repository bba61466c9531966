//! What an environment asks of those who act there. None of it is ever asked of somebody who goes back: what is missing then is owed.

use regex::Regex;

use crate::domain::action::Ticket;

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

impl Policy {
    /// Whether a reason for going forward is one; else what is wrong with it.
    pub fn reason(&self, typed: &str) -> Result<(), String> {
        let letters = typed.trim().chars().count();
        if letters == 0 {
            return Err("say why: it is recorded".to_owned());
        }
        if letters < self.reason_min_length {
            return Err(format!("say more: {} more letters are asked for here", self.reason_min_length - letters));
        }
        Ok(())
    }

    /// The ticket of an act; the error says what is wrong with it on the way forward. On the way back what is missing is owed.
    pub fn ticket(&self, typed: &str, back: bool) -> Result<Ticket, String> {
        let typed = typed.trim();
        let right = self.ticket_pattern.as_ref().is_none_or(|pattern| pattern.matches(typed));
        let like = || self.ticket_pattern.as_ref().map(|pattern| format!(" like {}", pattern.as_str())).unwrap_or_default();
        let empty = typed.is_empty();
        if empty && !self.ticket_required {
            return Ok(Ticket::None);
        }
        if !empty && (right || (back && !self.ticket_required)) {
            return Ok(Ticket::Given(typed.to_owned()));
        }
        match (back, empty) {
            (true, _) => Ok(Ticket::Owed),
            (false, true) => Err(format!("a ticket is asked for here{}", like())),
            (false, false) => Err(format!("'{typed}' is no ticket{}", like())),
        }
    }
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
    fn going_back_owes_what_going_forward_has_to_bring() {
        let policy = Policy {
            reason_min_length: 8,
            ticket_pattern: Some(Pattern::read("INC-[0-9]+").unwrap()),
            ticket_required: true,
            ..Policy::default()
        };
        assert_eq!(policy.ticket(" INC-7 ", false), Ok(Ticket::Given("INC-7".into())));
        assert_eq!((policy.ticket("", true), policy.ticket("later", true)), (Ok(Ticket::Owed), Ok(Ticket::Owed)));
        assert_eq!(policy.ticket("", false), Err("a ticket is asked for here like INC-[0-9]+".into()));
        assert_eq!(policy.ticket("later", false), Err("'later' is no ticket like INC-[0-9]+".into()));
        assert_eq!(policy.reason("short"), Err("say more: 3 more letters are asked for here".into()));
        assert!(policy.reason("long enough").is_ok() && Policy::default().reason(" ").is_err());
        assert_eq!(Policy::default().ticket("", false), Ok(Ticket::None));
    }

    #[test]
    fn a_pattern_means_the_whole_text() {
        let pattern = Pattern::read("INC-[0-9]+|CHG-[0-9]+").unwrap();
        assert!(pattern.matches("INC-123") && pattern.matches("CHG-9"));
        assert!(!pattern.matches("see INC-123") && !pattern.matches("CHG-9x"));
        let error = Pattern::read("INC-[0-9+").unwrap_err();
        assert!(!error.contains('\n') && error.contains("unclosed"), "{error}");
    }
}

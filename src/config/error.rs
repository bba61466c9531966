//! What can be wrong with a configuration, said so that it can be mended: file, line, column, key, what is allowed.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {source}. Name a file with --config, or take the option away to use the defaults.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file says something that it may not.
    #[error("{}:{line}:{column}: {text}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong and what would be right.
        text: String,
    },
    /// `--environment` names none of the configured ones.
    #[error("No environment is called '{asked}'. {known}")]
    UnknownEnvironment {
        /// The name asked for.
        asked: String,
        /// Which ones there are.
        known: String,
    },
    /// A folder for state cannot be made.
    #[error("{}: {source}. Set XDG_STATE_HOME to a folder that can be written.", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system has no home folder for this user.
    #[error("There is no home folder for this user. Set HOME, or name a configuration with --config.")]
    NoHome,
}

impl Error {
    /// Something wrong at a place of a file.
    pub fn at(path: &Path, file: &str, place: Option<Range<usize>>, text: impl Into<String>) -> Self {
        let (line, column) = position(file, place.map_or(0, |place| place.start));
        Self::Wrong { path: path.to_owned(), line, column, text: text.into() }
    }

    /// What the TOML reader refused, in our words. `key` is the dotted path of the key, as far as it is known.
    pub fn refused(path: &Path, file: &str, key: &str, error: &toml::de::Error) -> Self {
        Self::at(path, file, error.span(), explain(key, error.message()))
    }
}

/// The candidate that a misspelt word most likely meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit || (!word.is_empty() && (candidate.starts_with(word) || word.starts_with(candidate)))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Words in single quotes, separated by commas.
pub fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

fn position(file: &str, offset: usize) -> (usize, usize) {
    let before = file.get(..offset).unwrap_or(file);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
    (line, column)
}

/// Turns serde's sentence into ours. Serde puts names between backticks: first the one found, then those expected.
fn explain(key: &str, message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown_key = message.starts_with("unknown field");
    if !unknown_key && !message.starts_with("unknown variant") {
        let place = if key.is_empty() || key == "." { String::new() } else { format!("{key}: ") };
        return format!("{place}{}.", message.trim_end().trim_end_matches('.').replace('\n', ", "));
    }
    let found = names.next().unwrap_or_default();
    let allowed: Vec<&str> = names.collect();
    let mut text = if unknown_key { format!("unknown key '{found}'.") } else { format!("'{found}' is not a value of {key}.") };
    if let Some(meant) = nearest(found, allowed.iter().copied()) {
        let _ = write!(text, " Did you mean '{meant}'?");
    }
    let _ = write!(text, " Allowed here: {}.", quoted(allowed));
    text
}

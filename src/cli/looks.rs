//! Which theme and keymap are used, and how many colours the terminal shows. A user's own file of a name wins over the built-in
//! one; a file that is wrong is an error with its place, never silently the default.

use super::Failure;
use crate::config::Files;
use crate::config::error::{nearest, quoted};
use crate::input::keymap::{self, Keymap};
use crate::ui::theme::{self, Depth, Theme};

/// Reads a theme by its name.
pub fn theme(files: &Files, name: &str, depth: Depth) -> Result<Theme, Failure> {
    let (name, text) = if let Some(path) = files.theme(name) {
        (path.display().to_string(), read(&path)?)
    } else {
        let text = theme::built_in(name).ok_or_else(|| unknown("theme", name, &theme::BUILT_IN))?;
        (name.to_owned(), text.to_owned())
    };
    Theme::parse(&name, &text, depth).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads a keymap by its name.
pub fn keymap(files: &Files, name: &str) -> Result<Keymap, Failure> {
    let (name, keymap) = if let Some(path) = files.keymap(name) {
        (path.display().to_string(), Keymap::read(&read(&path)?))
    } else {
        let keymap = Keymap::built_in(name).ok_or_else(|| unknown("keymap", name, &keymap::BUILT_IN))?;
        (name.to_owned(), keymap)
    };
    keymap.map_err(|error| Failure::Usage(format!("The keymap '{name}' cannot be used: {error}")))
}

/// How many colours the terminal shows.
pub fn depth() -> Depth {
    decide(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn decide(variable: impl Fn(&str) -> Option<String>) -> Depth {
    let term = variable("TERM").unwrap_or_default();
    let colours = variable("COLORTERM").unwrap_or_default();
    if variable("NO_COLOR").is_some() || term == "dumb" {
        Depth::None
    } else if colours == "truecolor" || colours == "24bit" || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256color") {
        Depth::Indexed
    } else {
        Depth::Sixteen
    }
}

fn read(path: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::Usage(format!("{}: {error}.", path.display())))
}

fn unknown(what: &str, name: &str, built_in: &[(&str, &str)]) -> Failure {
    let names = || built_in.iter().map(|(name, _)| *name);
    let meant = nearest(name, names()).map_or(String::new(), |meant| format!(" Did you mean '{meant}'?"));
    Failure::Usage(format!(
        "There is no {what} '{name}'.{meant} Built in: {}; your own is {what}s/{name}.toml beside the configuration.",
        quoted(names())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_what_the_terminal_says() {
        let check = |set: &[(&str, &str)], expected| {
            let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(decide(variable), expected, "{set:?}");
        };
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True);
        check(&[("TERM", "tmux-256color")], Depth::Indexed);
        check(&[("TERM", "linux")], Depth::Sixteen);
        check(&[("TERM", "xterm-direct")], Depth::True);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "24bit"), ("NO_COLOR", "1")], Depth::None);
        check(&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None);
        check(&[], Depth::Sixteen);
    }
}

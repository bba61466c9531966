//! Whether text on stdout is coloured. The cockpit asks its theme instead.

use std::io::IsTerminal;

/// Whether stdout takes colours now.
pub fn wanted() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    decide(std::io::stdout().is_terminal(), variable)
}

/// `NO_COLOR` forbids, `CLICOLOR_FORCE` (but `0`) demands, a dumb terminal cannot, a pipe should not.
fn decide(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    if variable("NO_COLOR").is_some() {
        return false;
    }
    if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    terminal && variable("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::decide;

    #[test]
    fn environment_decides_before_the_terminal_does() {
        let check = |terminal, set: &[(&str, &str)], expected| {
            let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(decide(terminal, variable), expected, "{terminal} {set:?}");
        };
        check(true, &[], true);
        check(false, &[], false);
        check(true, &[("NO_COLOR", "1")], false);
        check(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false);
        check(false, &[("CLICOLOR_FORCE", "1")], true);
        check(false, &[("CLICOLOR_FORCE", "0")], false);
        check(true, &[("TERM", "dumb")], false);
        check(true, &[("TERM", "xterm-256color")], true);
    }
}

//! The tables of the README are what the program says of itself. `PILOTHOUSE_BLESS=1 cargo test readme` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use pilothouse::input::keymap::{DEFAULT, Keymap};
use pilothouse::input::{COMMANDS, Group};

/// One test for all tables: blessing writes one file.
#[test]
fn readme_shows_the_keys_and_commands_that_there_are() {
    check("keys", &keys());
    check("commands", &commands());
}

#[test]
fn readme_opens_with_the_two_commands() {
    let readme = std::fs::read_to_string(path()).unwrap();
    let opening: Vec<&str> = readme.lines().take(4).collect();
    assert_eq!(opening[0], "```sh");
    assert!(opening[1].starts_with("cargo run --release -- demo "));
    assert!(opening[2].starts_with("cargo test "));
    assert_eq!(opening[3], "```");
}

#[test]
fn readme_links_only_to_what_is_there() {
    let readme = std::fs::read_to_string(path()).unwrap();
    let targets = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let missing: Vec<&str> = targets.filter(|target| !target.contains("://") && !path().with_file_name(target).exists()).collect();
    assert!(missing.is_empty(), "the README links to what is not there: {missing:?}");
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))
}

fn keys() -> String {
    let keymap = Keymap::read(DEFAULT).unwrap();
    let mut text = String::from("| keys | what they do |\n| --- | --- |\n");
    for group in Group::ALL {
        for entry in COMMANDS.iter().filter(|entry| entry.group == group) {
            let keys: Vec<_> = keymap.keys(entry.command).iter().map(|key| format!("`{}`", key.label())).collect();
            let keys = if keys.is_empty() { format!("`:{}`", entry.short) } else { keys.join(" ") };
            let _ = writeln!(text, "| {keys} | {} |", entry.words);
        }
    }
    text
}

fn commands() -> String {
    let mut text = String::from("| command | what it does |\n| --- | --- |\n| `pilothouse` | The cockpit |\n");
    let mut all = pilothouse::cli::command();
    all.build();
    for command in all.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").replace(" [OPTIONS]", "").replace('|', "\\|");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "| `{usage}` | {about} |");
    }
    text
}

/// Compares what stands between the marks of `name` with what the program says; blessing writes it there.
fn check(name: &str, expected: &str) {
    let readme = std::fs::read_to_string(path()).unwrap();
    let open = readme.find(&format!("<!-- {name}:")).unwrap();
    let start = open + readme[open..].find('\n').unwrap() + 1;
    let end = start + readme[start..].find("<!-- end -->").unwrap();
    if std::env::var_os("PILOTHOUSE_BLESS").is_some() {
        let text = format!("{}{expected}{}", &readme[..start], &readme[end..]);
        std::fs::write(path(), text).unwrap();
    } else {
        assert_eq!(&readme[start..end], expected, "the README is out of date: PILOTHOUSE_BLESS=1 cargo test readme");
    }
}

//! House rules that no compiler checks, read from the sources: who may use whom, headers, sizes. Each finding names the
//! file, the line and the rule.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Longest file, in lines.
const LONGEST: usize = 600;

/// Rooms that a room may use, besides itself and `domain`. A room that is not named here has to be added, with a reason.
const MAY_USE: [(&str, &[&str]); 16] = [
    ("domain", &[]),
    ("input", &[]),
    // Of `log` the core sees the plain type of a line.
    ("app", &["input", "config", "log"]),
    ("ui", &["input", "app", "config", "log"]),
    ("config", &[]),
    ("log", &["config"]),
    ("ledger", &["config"]),
    ("source", &["config", "log"]),
    // The connection is made as sources make it; what is read there is not theirs.
    ("action", &["config", "ledger", "log", "source"]),
    // Guards decide in `domain`, act through `action`, and read the release into the core's own picture of a cluster.
    ("guard", &["action", "app", "config", "ledger", "source"]),
    ("demo", &[]),
    ("wire", &["input", "app", "action", "config", "guard", "ledger", "log", "source", "demo"]),
    ("tui", &["input", "app", "action", "config", "guard", "ledger", "log", "source", "ui", "wire"]),
    ("cli", &["input", "app", "config", "log", "source", "ui", "wire", "tui", "demo", "action", "guard", "ledger"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// What the pure rooms must not touch: the outside world and the clock.
const PURE: [&str; 4] = ["domain", "input", "app", "ui"];
const OUTSIDE: [&str; 14] = [
    "tokio",
    "kube::",
    "reqwest",
    "hyper",
    "crossterm::terminal",
    "crossterm::execute",
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "Timestamp::now",
];

#[test]
fn rooms_use_only_what_is_below_them() {
    report(|source, findings| {
        let Some((_, allowed)) = MAY_USE.iter().find(|(room, _)| *room == source.room) else {
            findings.push(source.finding(0, format!("the room '{}' is not in MAY_USE", source.room)));
            return;
        };
        for (line, text) in source.code() {
            for used in crate_paths(&text) {
                if used != source.room && used != "domain" && !allowed.contains(&used) {
                    findings.push(source.finding(line, format!("'{}' must not use '{used}'", source.room)));
                }
            }
        }
    });
}

#[test]
fn pure_rooms_touch_neither_the_world_nor_the_clock() {
    report(|source, findings| {
        if !PURE.contains(&source.room.as_str()) {
            return;
        }
        for (line, text) in source.code() {
            for outside in OUTSIDE {
                if names(&text, outside) {
                    findings.push(source.finding(line, format!("'{}' must not touch {outside}", source.room)));
                }
            }
        }
    });
}

/// The ledger has files, and nothing else of the outside world: no network, no runtime, no clock.
#[test]
fn the_ledger_knows_no_cluster_and_no_clock() {
    let files = ["std::fs", "std::process", "std::env", "std::thread"];
    report(|source, findings| {
        for (line, text) in source.code().filter(|_| source.room == "ledger") {
            for outside in OUTSIDE.iter().filter(|outside| !files.contains(outside) && names(&text, outside)) {
                findings.push(source.finding(line, format!("'ledger' must not touch {outside}")));
            }
        }
    });
}

#[test]
fn every_module_says_what_it_is_for() {
    report(|source, findings| {
        if source.room != "lib" && !source.text.starts_with("//! ") {
            findings.push(source.finding(0, "a module opens with '//!' and what it is for".to_owned()));
        }
    });
    for path in rust_files("tests") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{}:1: a module opens with '//!' and what it is for", path.display());
    }
}

#[test]
fn files_are_short_and_clean() {
    let mut findings = Vec::new();
    for path in rust_files("src").into_iter().chain(rust_files("tests")) {
        let source = Source::read(path);
        let count = source.text.lines().count();
        if count > LONGEST {
            findings.push(source.finding(count - 1, format!("{count} lines; {LONGEST} is the most")));
        }
        let root = source.path.ends_with("tests/suite.rs") || source.path.starts_with("tests/bench");
        for (line, text) in source.text.lines().enumerate() {
            if text.ends_with([' ', '\t']) {
                findings.push(source.finding(line, "trailing white space".to_owned()));
            }
            if !root && (text.trim_start().starts_with("#[allow(") || text.trim_start().starts_with("#![allow(")) {
                findings.push(source.finding(line, "use #[expect(…, reason = \"…\")]".to_owned()));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// The rules have to bite: each would find a planted fault.
#[test]
fn rules_find_what_they_are_for() {
    assert_eq!(crate_paths("use crate::source::kube::Watch;"), ["source"]);
    assert_eq!(crate_paths("    let x = crate::ui::draw(crate::app::state());"), ["ui", "app"]);
    assert_eq!(crate_paths("use crate::{app::State, wire::{self, Parts}, tui};"), ["app", "wire", "tui"]);
    assert!(crate_paths("pub(crate) fn x() {}").is_empty());
    assert!(names("use tokio::sync;", "tokio"));
    assert!(!names("let tokioed = 1;", "tokio"));
    assert!(names("std::time::Instant::now()", "std::time::Instant"));
    assert!(names("use std::time::{Duration, Instant};", "std::time::Instant"));
    assert!(!names("use std::time::Duration;", "std::time::Instant"));
    assert!(names("use std::{fs, io};", "std::fs"));
    assert!(names("use kube::Api;", "kube::"));
    let text = "a\n// std::fs\n/// b\nc // d\nuse x::{\n    y,\n    z,\n};\ne\n#[cfg(test)]\nf".into();
    let source = Source { path: "src/x.rs".into(), room: "x".into(), text };
    let expected = [(0, "a"), (3, "c "), (4, "use x::{y,z,};"), (8, "e")].map(|(line, code)| (line, code.to_owned()));
    assert_eq!(source.code().collect::<Vec<_>>(), expected);
}

struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

impl Source {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_owned();
        let inside = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
        Self { room: inside.trim_end_matches(".rs").to_owned(), path, text }
    }

    /// Code without comments, a `use` over several lines joined to one, each with the number (from 0) of its first line, up
    /// to the unit tests: those may use what they like.
    fn code(&self) -> impl Iterator<Item = (usize, String)> {
        let mut code: Vec<(usize, String)> = Vec::new();
        let mut open = false;
        for (line, text) in self.text.lines().take_while(|text| text.trim() != "#[cfg(test)]").enumerate() {
            let text = text.split_once("//").map_or(text, |(code, _)| code);
            match code.last_mut() {
                Some((_, statement)) if open => statement.push_str(text.trim()),
                _ if text.trim().is_empty() => continue,
                _ => code.push((line, text.to_owned())),
            }
            let started = open || ["use ", "pub use ", "pub(crate) use "].iter().any(|word| text.trim().starts_with(word));
            open = started && !text.contains(';');
        }
        code.into_iter()
    }

    fn finding(&self, line: usize, rule: String) -> String {
        format!("{}:{}: {rule}", self.path.display(), line + 1)
    }
}

/// Runs a rule over all of `src` and fails with everything that it finds.
fn report(rule: impl Fn(&Source, &mut Vec<String>)) {
    let mut findings = Vec::new();
    for path in rust_files("src") {
        rule(&Source::read(path), &mut findings);
    }
    let text = findings.iter().fold(String::new(), |mut text, finding| {
        let _ = writeln!(text, "{finding}");
        text
    });
    assert!(findings.is_empty(), "{text}");
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no sources");
    files
}

/// The rooms that a line names through `crate::`, also within braces.
fn crate_paths(line: &str) -> Vec<&str> {
    let mut rooms = Vec::new();
    for (at, found) in line.match_indices("crate::") {
        let rest = line.get(at + found.len()..).unwrap_or_default();
        match rest.strip_prefix('{') {
            Some(group) => rooms.extend(heads(group)),
            None => rooms.extend(rest.split(|letter: char| !is_name(letter)).next().filter(|name| !name.is_empty())),
        }
    }
    rooms
}

/// First names of the entries of a `use` group, not of the groups within it.
fn heads(group: &str) -> Vec<&str> {
    let mut depth = 0;
    let entries = group.split_inclusive([',', '{', '}']).filter_map(move |piece| {
        let outermost = depth == 0;
        depth += piece.matches('{').count();
        depth = depth.saturating_sub(piece.matches('}').count());
        outermost.then(|| piece.trim().split(|letter: char| !is_name(letter)).next().unwrap_or_default())
    });
    entries.filter(|name| !name.is_empty()).collect()
}

/// Whether a line names a path, written out or as `head::{…, tail, …}`.
fn names(line: &str, path: &str) -> bool {
    let whole = line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().last());
        let after = line.get(at + path.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_name) && (path.ends_with("::") || !after.is_some_and(is_name))
    });
    let grouped = path.rsplit_once("::").is_some_and(|(head, tail)| {
        let open = format!("{head}::{{");
        !tail.is_empty()
            && line.split_once(&open).is_some_and(|(_, group)| group.split(|c: char| !is_name(c)).any(|name| name == tail))
    });
    whole || grouped
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

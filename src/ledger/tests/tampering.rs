//! Whatever is done to the lines of a ledger is found, and named where it was done.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::ledger::verify::{Fault, Finding};

/// The files of a ledger of three months with a sealed torn line, made once.
static SAMPLE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let trial = Trial::start();
    for day in ["2026-09-29", "2026-09-30", "2026-10-01", "2026-10-02"] {
        let entry = trial.add(day, Body::Intent(intent("gateway").into()));
        trial.add(day, outcome(&act(&entry), Ending::Observed));
    }
    trial.put("2026-10.jsonl", &[&trial.bytes("2026-10.jsonl")[..], b"{\"version\":1,\"sequ"].concat());
    (3..9).for_each(|day| drop(trial.note(&format!("2026-11-0{day}"))));
    assert_eq!((trial.assert_clean().sealed, trial.assert_clean().entries), (1, 15));
    let names = book::months(trial.folder()).unwrap().into_iter().chain([book::HEAD.to_owned()]);
    names.map(|name| (name.clone(), trial.bytes(&name))).collect()
});

/// What is done to the files. Lines are counted over all of them; places are taken modulo how many there are.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Flip {
        line: usize,
        at: usize,
        bits: u8,
    },
    Delete {
        line: usize,
    },
    Swap {
        one: usize,
        other: usize,
    },
    Repeat {
        line: usize,
        at: usize,
    },
    /// The file ends in that line.
    Truncate {
        line: usize,
        keep: usize,
    },
    /// The file of that line is empty.
    Empty {
        line: usize,
    },
    FlipHead {
        at: usize,
        bits: u8,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    let any = any::<usize>;
    prop_oneof![
        6 => (any(), any(), 1..=u8::MAX).prop_map(|(line, at, bits)| Deed::Flip { line, at, bits }),
        1 => any().prop_map(|line| Deed::Delete { line }),
        1 => (any(), any()).prop_map(|(one, other)| Deed::Swap { one, other }),
        1 => (any(), any()).prop_map(|(line, at)| Deed::Repeat { line, at }),
        2 => (any(), any()).prop_map(|(line, keep)| Deed::Truncate { line, keep }),
        1 => any().prop_map(|line| Deed::Empty { line }),
        1 => (any(), 1..=u8::MAX).prop_map(|(at, bits)| Deed::FlipHead { at, bits }),
    ]
}

/// A line with its newline, and the place of its file.
type Line = (usize, Vec<u8>);

fn sequence(line: &Line) -> Option<u64> {
    chain::envelope(line.1.trim_ascii_end()).map(|envelope| envelope.sequence)
}

/// Does the deed. Gives the lines to which it was done.
fn touch(lines: &mut Vec<Line>, deed: Deed) -> Vec<Line> {
    let count = lines.len();
    match deed {
        Deed::Flip { line, at, bits } => {
            let line = &mut lines[line % count];
            let before = line.clone();
            let at = at % line.1.len();
            line.1[at] ^= bits;
            vec![before]
        }
        Deed::Delete { line } => vec![lines.remove(line % count)],
        Deed::Swap { one, other } => {
            let one = one % count;
            let other = if other % count == one { (one + 1) % count } else { other % count };
            let touched = vec![lines[one].clone(), lines[other].clone()];
            (lines[one].1, lines[other].1) = (touched[1].1.clone(), touched[0].1.clone());
            touched
        }
        Deed::Repeat { line, at } => {
            let again = lines[line % count].1.clone();
            let place = lines[at % count].0;
            lines.insert(at % count, (place, again));
            vec![lines[at % count].clone()]
        }
        Deed::Truncate { line, keep } => {
            let from = line % count;
            let end = from + lines[from..].iter().take_while(|line| line.0 == lines[from].0).count();
            let gone = lines[from..end].to_vec();
            let length = keep % gone[0].1.len();
            lines[from].1.truncate(length);
            lines.drain(from + 1..end);
            gone
        }
        Deed::Empty { line } => {
            let file = lines[line % count].0;
            lines.extract_if(.., |line| line.0 == file).collect()
        }
        Deed::FlipHead { .. } => Vec::new(),
    }
}

/// The ledger to which the deed was done, and the numbers of the entries that it touched; None stands for the torn line.
fn done(deed: Deed) -> (Trial, Vec<Option<u64>>) {
    let files = || SAMPLE.iter().take(3).enumerate();
    let of = |bytes: &'static [u8]| bytes.split_inclusive(|byte| *byte == b'\n');
    let mut lines: Vec<Line> = files().flat_map(|(file, (_, bytes))| of(bytes).map(move |line| (file, line.to_vec()))).collect();
    let touched = touch(&mut lines, deed);
    let trial = Trial::start();
    for (file, (name, _)) in files() {
        let lines: Vec<&[u8]> = lines.iter().filter(|line| line.0 == file).map(|line| line.1.as_slice()).collect();
        trial.put(name, &lines.concat());
    }
    let mut head = SAMPLE[3].1.clone();
    if let Deed::FlipHead { at, bits } = deed {
        let at = at % head.len();
        head[at] ^= bits;
    }
    trial.put(book::HEAD, &head);
    (trial, touched.iter().map(sequence).collect())
}

/// Whether an entry is one that was touched, or beside one.
fn is_near(touched: &[Option<u64>], number: u64) -> bool {
    touched.iter().flatten().any(|touched| touched.abs_diff(number) <= 1)
}

fn covers(finding: &Finding, sequence: u64) -> bool {
    finding.sequence.is_some_and(|first| (first..first + finding.count).contains(&sequence))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_deed_is_found_and_named(deed in deed()) {
        let (trial, touched) = done(deed);
        let report = trial.ledger.verify(None).unwrap();
        prop_assert!(!report.is_clean(), "nothing is found");
        let with_torn = touched.contains(&None);
        for number in touched.iter().flatten() {
            // Where a torn line trades places with an entry, it is the torn line that stands wrong.
            let named = report.findings.iter().any(|finding| covers(finding, *number));
            prop_assert!(named || with_torn && matches!(deed, Deed::Swap { .. }), "{number} is not named: {report:#?}");
        }
        for finding in &report.findings {
            // Of entries that nobody touched only a neighbour is ever accused, and a seal that came apart.
            let fair = match deed {
                Deed::FlipHead { .. } => finding.fault == Fault::Head || finding.sequence >= Some(15),
                _ => with_torn || finding.text.contains("seals") || finding.sequence.is_none_or(|number| is_near(&touched, number)),
            };
            prop_assert!(fair, "{touched:?}: {report:#?}");
        }
        if let (Deed::Flip { .. } | Deed::Delete { .. }, Some(from)) = (deed, report.vouched_from) {
            prop_assert!(touched.iter().flatten().all(|touched| *touched < from), "{touched:?}: {report:#?}");
        }
    }
}

#[test]
fn what_is_found_is_said_in_words() {
    let check = |deed: Deed, expected: &[&str]| {
        let report = done(deed).0.ledger.verify(None).unwrap();
        assert_eq!(report.findings.into_iter().map(|finding| finding.text).collect::<Vec<_>>(), expected, "{deed:?}");
    };
    check(Deed::Delete { line: 1 }, &["Entry 2 is missing before line 2 of 2026-09.jsonl."]);
    check(Deed::Empty { line: 0 }, &["Entries 1 to 4 are missing before line 1 of 2026-10.jsonl."]);
    check(Deed::Empty { line: 11 }, &["Entries 10 to 15 are cut off: head.json names entry 15 as the last."]);
    check(Deed::Flip { line: 0, at: 0, bits: 1 }, &["Entry 1, line 1 of 2026-09.jsonl was edited: it is no entry."]);
    // The last digit of a digest.
    let third = SAMPLE[0].1.split_inclusive(|byte| *byte == b'\n').nth(2).unwrap().len();
    let edited = "Entry 3, line 3 of 2026-09.jsonl is not the one that entry 4 follows.";
    check(Deed::Flip { line: 2, at: third - 4, bits: 1 }, &[edited]);
    let swapped = [
        "Entry 1, line 2 of 2026-09.jsonl stands in the place of entry 2.",
        "Entry 2, line 1 of 2026-09.jsonl stands in the place of entry 1.",
    ];
    check(Deed::Swap { one: 0, other: 1 }, &swapped);
    check(Deed::Repeat { line: 0, at: 3 }, &["Entry 1, line 4 of 2026-09.jsonl is there more than once."]);
}

#[test]
fn a_hash_that_was_told_elsewhere_has_to_be_in_the_chain() {
    let trial = Trial::start();
    let entries = ["2026-11-01", "2026-11-02"].map(|day| trial.note(day));
    let ask = |hash: &str| trial.ledger.verify(Some(hash)).unwrap();
    assert_eq!(
        (ask(&entries[0].hash).expected, ask(entries[1].hash.to_uppercase().get(..16).unwrap()).expected),
        (Some(1), Some(2))
    );
    let cut = trial.bytes("2026-11.jsonl");
    let first = cut.iter().position(|byte| *byte == b'\n').unwrap();
    trial.put("2026-11.jsonl", &cut[..=first]);
    // Whoever cuts off the end can write a head that fits; the hash that went elsewhere tells.
    let head = Head { version: 1, sequence: 1, hash: entries[0].hash.to_string(), file: "2026-11.jsonl".into() };
    trial.put(book::HEAD, &head.written().unwrap());
    assert!(trial.ledger.verify(None).unwrap().is_clean());
    assert_eq!(ask(&entries[1].hash).findings[0].fault, Fault::Unknown);
    assert_eq!(ask("").findings[0].fault, Fault::Unknown);
}

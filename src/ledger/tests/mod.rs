//! What is appended, what a crash or a full disk leaves, and who settles what.

mod gates;
mod tampering;

use std::fs;
use std::path::Path;

use jiff::{Timestamp, ToSpan};

use super::chain::Head;
use super::*;

/// A ledger in a folder of its own.
struct Trial {
    home: tempfile::TempDir,
    ledger: Ledger,
}

impl Trial {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(home.path().join("state/ledger")).unwrap();
        Self { home, ledger }
    }

    fn folder(&self) -> &Path {
        self.ledger.path()
    }

    /// Another process, as far as locks can tell.
    fn other(&self) -> Ledger {
        Ledger::open(self.folder()).unwrap()
    }

    fn add(&self, day: &str, body: Body) -> Entry {
        self.ledger
            .append(day.parse::<jiff::civil::Date>().unwrap().to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp(), body)
            .unwrap()
    }

    fn note(&self, day: &str) -> Entry {
        self.add(day, Body::Note { text: format!("on {day}").into() })
    }

    fn assert_clean(&self) -> Report {
        let report = self.ledger.verify(None).unwrap();
        assert!(report.is_clean(), "{report:#?}");
        report
    }

    fn findings(&self) -> Vec<(verify::Fault, Option<u64>, u64)> {
        let report = self.ledger.verify(None).unwrap();
        report.findings.iter().map(|finding| (finding.fault, finding.sequence, finding.count)).collect()
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder().join(file)).unwrap()
    }

    fn put(&self, file: &str, bytes: &[u8]) {
        fs::write(self.folder().join(file), bytes).unwrap();
    }
}

fn intent(name: &str) -> Intent {
    let object =
        Object { kind: "Rollout".into(), namespace: "shop".into(), name: name.into(), uid: "u1".into(), ..Object::default() };
    let operator = Operator { local: "dana".into(), kube: Some("captain".into()), host: "laptop".into() };
    Intent {
        operator,
        environment: "prod".into(),
        object,
        verb: "rollback".into(),
        reason: "errors 4% > 1%".into(),
        digest: digest("PATCH", "/x", b"{}"),
        ..Intent::default()
    }
}

fn outcome(act: &str, result: Ending) -> Body {
    Body::Outcome(Outcome { act: act.into(), result, detail: "it is back".into(), observed: Vec::new(), settled_by: None })
}

fn act(entry: &Entry) -> String {
    entry.body.act().unwrap().to_string()
}

#[test]
fn entries_are_chained_over_months_and_read_back() {
    let trial = Trial::start();
    let entries: Vec<Entry> =
        ["2026-10-30", "2026-10-31", "2026-11-01", "2026-10-15", "2027-01-01"].map(|day| trial.note(day)).into();
    for (before, entry) in entries.iter().zip(&entries[1..]) {
        assert_eq!((entry.sequence, &entry.previous), (before.sequence + 1, &before.hash));
    }
    assert_eq!((entries[0].sequence, &*entries[0].previous), (1, chain::NOTHING));
    // The fourth came when the clock had gone back; the files are in the order of the chain all the same.
    assert_eq!(book::months(trial.folder()).unwrap(), ["2026-10.jsonl", "2026-11.jsonl", "2027-01.jsonl"]);
    assert_eq!(trial.bytes("2026-11.jsonl").split(|byte| *byte == b'\n').count(), 3);
    let report = trial.assert_clean();
    assert_eq!((report.entries, report.files, report.vouched_from, report.last), (5, 3, Some(1), Some(5)));
    assert_eq!(trial.ledger.read(None).unwrap(), entries);
    assert_eq!(trial.ledger.recent(2).unwrap(), [entries[4].clone(), entries[3].clone()]);
    let since = trial.ledger.read(Some(entries[1].time)).unwrap();
    assert_eq!(since.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [2, 3, 5]);
}

#[test]
fn a_line_is_what_the_record_promises() {
    let trial = Trial::start();
    let intent = Intent { plan: vec!["abort".into()], owed: vec![TICKET.into()], reason: "token=abc".into(), ..intent("gateway") };
    let entry = trial.add("2026-11-23", Body::Intent(intent.into()));
    let line: serde_json::Value = serde_json::from_slice(&trial.bytes("2026-11.jsonl")).unwrap();
    let expected = serde_json::json!({
        "version": 1, "sequence": 1, "time": "2026-11-23T00:00:00Z", "previous": chain::NOTHING, "kind": "intent",
        "act": act(&entry), "writer": line["writer"], "operator": {"local": "dana", "kube": "captain", "host": "laptop"},
        "authority": "dialog", "environment": "prod", "cluster": "",
        "object": {"kind": "Rollout", "namespace": "shop", "name": "gateway", "uid": "u1"}, "verb": "rollback", "plan": ["abort"],
        "reason": "token=***", "owed": ["ticket"], "digest": &*digest("PATCH", "/x", b"{}"),
    });
    assert_eq!(line, expected);
    assert_eq!((line["writer"].as_str().unwrap().len(), act(&entry).len()), (32, 32));
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let trial = Trial::start();
    trial.add("2026-11-23", Body::Intent(intent("gateway").into()));
    let mut waiting = vec![trial.home.path().join("state")];
    let mut count = 0;
    while let Some(path) = waiting.pop() {
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, if found.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        if found.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
        count += 1;
    }
    // state, ledger, writers; the month, the head, the lock, this writer's.
    assert_eq!(count, 7);
}

/// A crash while a line is written leaves any beginning of it, and the head as it was.
#[test]
fn a_torn_last_line_is_sealed_wherever_it_broke() {
    let whole = {
        let trial = Trial::start();
        trial.note("2026-10-31");
        (trial.bytes("2026-10.jsonl"), trial.bytes(book::HEAD))
    };
    let second = {
        let trial = Trial::start();
        trial.put("2026-10.jsonl", &whole.0);
        trial.put(book::HEAD, &whole.1);
        trial.note("2026-10-31");
        trial.bytes("2026-10.jsonl")
    };
    for length in whole.0.len()..second.len() {
        for next in ["2026-10-31", "2026-11-01"] {
            let trial = Trial::start();
            trial.put("2026-10.jsonl", &second[..length]);
            trial.put(book::HEAD, &whole.1);
            let torn = length > whole.0.len() && length + 1 < second.len();
            assert_eq!(trial.assert_clean().torn.is_some(), torn, "{length}");
            let entry = trial.note(next);
            let report = trial.assert_clean();
            assert_eq!((report.sealed, report.torn), (usize::from(torn), None), "{length}");
            // The line is whole when only its newline lacked.
            let entries = report.entries as u64;
            assert_eq!(entries, if length == whole.0.len() { 2 } else { 3 }, "{length}");
            assert_eq!(entry.sequence, entries);
            assert!(trial.bytes("2026-10.jsonl").starts_with(&second[..length]), "torn bytes stay as they were");
        }
    }
}

#[test]
fn a_seal_that_broke_itself_is_sealed_again() {
    let trial = Trial::start();
    trial.note("2026-10-31");
    let (lines, head) = (trial.bytes("2026-10.jsonl"), trial.bytes(book::HEAD));
    for torn in [&b"{\"vers"[..], b"{\"vers\n", b"{\"vers\n{\"ver", b"{\"vers\n{\"ver\n", b"\xff\x00\n\n"] {
        trial.put("2026-10.jsonl", &[&lines, torn].concat());
        trial.put(book::HEAD, &head);
        trial.note("2026-10-31");
        assert_eq!(trial.assert_clean().sealed, 1, "{}", torn.escape_ascii());
    }
    // The same in a new file, and with no entry before.
    trial.put("2026-10.jsonl", &lines);
    trial.put(book::HEAD, &head);
    trial.put("2026-11.jsonl", b"{\"ver");
    trial.note("2026-11-01");
    assert_eq!(trial.assert_clean().sealed, 1);
    let fresh = Trial::start();
    fresh.put("2026-11.jsonl", b"{\"ver");
    assert!(fresh.assert_clean().torn.is_some());
    fresh.note("2026-12-01");
    assert_eq!(fresh.assert_clean().sealed, 1);
}

#[test]
fn a_crash_before_the_head_is_written_is_no_finding_however_often() {
    let trial = Trial::start();
    for number in 0..3 {
        let entry = trial.note("2026-11-23");
        let file = if number == 0 { String::new() } else { "2026-11.jsonl".to_owned() };
        let head = Head { version: 1, sequence: number, hash: entry.previous.to_string(), file };
        match number {
            0 => fs::remove_file(trial.folder().join(book::HEAD)).unwrap(),
            _ => trial.put(book::HEAD, &head.written().unwrap()),
        }
        assert_eq!(trial.assert_clean().vouched_from, Some(1));
    }
    assert_eq!(trial.ledger.read(None).unwrap().len(), 3);
}

#[test]
fn a_head_that_is_not_as_it_should_be_is_named_and_noted() {
    let trial = Trial::start();
    let heads: Vec<Vec<u8>> = (0..4).map(|_| (trial.note("2026-11-23"), trial.bytes(book::HEAD)).1).collect();
    assert_eq!(trial.assert_clean().entries, 4);
    let check = |head: Option<&[u8]>, phrase: &str| {
        let trial_files = (trial.bytes("2026-11.jsonl"), trial.bytes(book::HEAD));
        match head {
            Some(head) => trial.put(book::HEAD, head),
            None => fs::remove_file(trial.folder().join(book::HEAD)).unwrap(),
        }
        let report = trial.ledger.verify(None).unwrap();
        assert_eq!(report.findings.iter().map(|finding| finding.fault).collect::<Vec<_>>(), [verify::Fault::Head], "{phrase}");
        trial.note("2026-11-23");
        trial.assert_clean();
        let noted = &trial.ledger.recent(2).unwrap()[1].body;
        assert!(matches!(noted, Body::Note { text } if text.contains(phrase)), "{noted:?}");
        trial.put("2026-11.jsonl", &trial_files.0);
        trial.put(book::HEAD, &trial_files.1);
    };
    check(None, "was missing");
    check(Some(b"{}\n"), "could not be read");
    check(Some(&heads[1]), "was behind");
}

/// What is cut off or edited at the end does not become whole when the program goes on.
#[test]
fn what_was_cut_off_or_edited_stays_to_be_seen() {
    let trial = Trial::start();
    (0..3).for_each(|_| drop(trial.note("2026-11-23")));
    let lines = trial.bytes("2026-11.jsonl");
    let last = lines[..lines.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let head = trial.bytes(book::HEAD);
    let check = |bytes: &[u8], expected: &[(verify::Fault, Option<u64>, u64)]| {
        trial.put("2026-11.jsonl", bytes);
        trial.put(book::HEAD, &head);
        assert!(!trial.findings().is_empty());
        trial.note("2026-11-24");
        assert_eq!(trial.findings(), expected);
    };
    check(&lines[..last], &[(verify::Fault::Missing, Some(3), 1)]);
    check(&lines[..lines.len() - 9], &[(verify::Fault::Missing, Some(3), 1)]);
    let edited = String::from_utf8(lines.clone()).unwrap().replacen("\"sequence\":3", "\"sequence\":3 ", 1);
    check(edited.as_bytes(), &[(verify::Fault::Edited, Some(3), 1)]);
    check(b"", &[(verify::Fault::Missing, Some(1), 3)]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_ledger_whole_and_says_what_to_do() {
    let trial = Trial::start();
    trial.note("2026-10-31");
    std::os::unix::fs::symlink("/dev/full", trial.folder().join("2026-11.jsonl")).unwrap();
    let error = trial.ledger.append("2026-11-01T00:00:00Z".parse().unwrap(), Body::Intent(intent("gateway").into())).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("2026-11.jsonl: No space left on device") && said.ends_with("Make room there."), "{said}");
    fs::remove_file(trial.folder().join("2026-11.jsonl")).unwrap();
    trial.assert_clean();
    // The line has room and the head has not: the line is taken back.
    fs::create_dir(trial.folder().join("head.json.new")).unwrap();
    assert!(trial.ledger.append("2026-10-31T00:00:00Z".parse().unwrap(), Body::Note { text: "x".into() }).is_err());
    fs::remove_dir(trial.folder().join("head.json.new")).unwrap();
    assert_eq!((trial.assert_clean().entries, trial.note("2026-11-01").sequence), (1, 2));
}

#[test]
fn a_folder_that_cannot_be_made_or_written_is_told() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let said = Ledger::open(home.path().join("file/ledger")).unwrap_err().to_string();
    assert!(
        said.contains("file/ledger: Not a directory") && said.ends_with("Set XDG_STATE_HOME to a folder that can be written."),
        "{said}"
    );
    let ledger = Ledger::open(home.path().join("ledger")).unwrap();
    fs::remove_dir(home.path().join("ledger")).unwrap();
    assert!(ledger.append(Timestamp::UNIX_EPOCH, Body::Note { text: "x".into() }).is_err());
    assert!(ledger.read(None).unwrap().is_empty() && ledger.verify(None).unwrap().is_clean());
}

#[test]
fn threads_and_ledgers_append_side_by_side() {
    let trial = Trial::start();
    let other = trial.other();
    std::thread::scope(|scope| {
        for worker in 0..6 {
            let ledger = if worker % 2 == 0 { trial.ledger.clone() } else { other.clone() };
            scope.spawn(move || {
                for _ in 0..10 {
                    ledger.append(Timestamp::UNIX_EPOCH, Body::Intent(intent("gateway").into())).unwrap();
                }
            });
        }
    });
    assert_eq!(trial.assert_clean().entries, 60);
    let entries = trial.ledger.read(None).unwrap();
    let writers: std::collections::BTreeSet<_> = acts::acts(&entries).iter().map(|act| act.intent.writer.clone()).collect();
    assert_eq!(writers.len(), 2);
}

#[test]
fn only_what_the_dead_left_is_settled_and_by_one_only() {
    let trial = Trial::start();
    let dead = trial.other();
    let left = dead.append(Timestamp::UNIX_EPOCH, Body::Intent(intent("gateway").into())).unwrap();
    let done = dead.append(Timestamp::UNIX_EPOCH, Body::Intent(intent("search").into())).unwrap();
    dead.append(Timestamp::UNIX_EPOCH, outcome(&act(&done), Ending::Observed)).unwrap();
    let second = Write { act: left.body.act().unwrap().clone(), step: 2, digest: digest("PATCH", "/y", b"") };
    dead.append(Timestamp::UNIX_EPOCH, Body::Write(second.clone())).unwrap();
    let own = trial.add("2026-11-23", Body::Intent(intent("web").into()));
    assert!(trial.ledger.open_intents(|_| true).unwrap().is_empty(), "both live");
    drop(dead);
    // Clears away the lock of the dead, which has to be taken all the same.
    let other = trial.other();
    other.append(Timestamp::UNIX_EPOCH, Body::Intent(intent("mail").into())).unwrap();
    assert!(trial.ledger.open_intents(|intent| &*intent.environment == "stage").unwrap().is_empty());
    let orphans = trial.ledger.open_intents(|_| true).unwrap();
    assert_eq!(orphans.iter().map(|orphan| orphan.entry.sequence).collect::<Vec<_>>(), [left.sequence]);
    assert_eq!(orphans[0].writes, [second]);
    assert!(other.open_intents(|_| true).unwrap().is_empty(), "somebody is at it");
    drop(orphans);
    let orphans = other.open_intents(|_| true).unwrap();
    assert_eq!(orphans[0].intent.act, *left.body.act().unwrap());
    other.append(Timestamp::UNIX_EPOCH, outcome(&act(&left), Ending::Undetermined)).unwrap();
    drop(orphans);
    assert!(trial.ledger.open_intents(|_| true).unwrap().is_empty());
    drop(trial.ledger);
    assert_eq!(other.open_intents(|_| true).unwrap()[0].entry.sequence, own.sequence);
}

#[test]
fn what_is_owed_is_owed_until_it_is_settled() {
    let trial = Trial::start();
    let owing = |name| Body::Intent(Intent { owed: vec![TICKET.into()], ..intent(name) }.into());
    let (first, refused, second) =
        (trial.add("2026-11-01", owing("a")), trial.add("2026-11-02", owing("b")), trial.add("2026-11-03", owing("c")));
    trial.add("2026-11-03", outcome(&act(&refused), Ending::Refused));
    let sync = Debt { act: second.body.act().cloned(), what: "auto-sync of shop/c".into(), ..Debt::default() };
    trial.add("2026-11-04", Body::Owed(sync.clone()));
    let loose = Debt { what: "gate of shop/d".into(), ..Debt::default() };
    trial.add("2026-11-05", Body::Owed(loose.clone()));
    let owed = |trial: &Trial| -> Vec<String> {
        trial.ledger.owed().unwrap().iter().map(|owed| format!("{} {}", owed.since.strftime("%d"), owed.what)).collect()
    };
    assert_eq!(owed(&trial), ["01 ticket", "03 ticket", "04 auto-sync of shop/c", "05 gate of shop/d"]);
    trial.add("2026-11-06", Body::Settled(sync));
    trial.add("2026-11-06", Body::Settled(loose));
    let settle =
        |asked: &str, ticket: &str| trial.ledger.settle_ticket(first.time + 1.hour(), asked, ticket.into(), Operator::default());
    settle(act(&first).get(..12).unwrap(), "INC-7").unwrap();
    assert_eq!(owed(&trial), ["03 ticket"]);
    let entries = trial.ledger.read(None).unwrap();
    let tickets: Vec<_> = acts::acts(&entries).iter().map(|act| act.ticket.map(ToString::to_string)).collect();
    assert_eq!(tickets, [Some("INC-7".to_owned()), None, None]);
    let check = |asked: &str, ticket: &str, phrase: &str| {
        let said = settle(asked, ticket).unwrap_err().to_string();
        assert!(said.contains(phrase), "{said}");
    };
    check(&act(&first), "INC-8", "owes no ticket. It has 'INC-7'.");
    check(&act(&refused), "INC-8", "owes no ticket.");
    check("nothing", "INC-8", "There is no act 'nothing'.");
    check("", "INC-8", "There is no act ''.");
    check(&act(&second), " ", "A ticket has a name");
    let again = |name: &str, id: &str| trial.add("2026-11-07", Body::Intent(Intent { act: id.into(), ..intent(name) }.into()));
    again("x", "zz1");
    again("y", "zz2");
    check("zz", "INC-8", "'zz' is the beginning of 2 acts.");
}

#[test]
fn versions_that_were_stable_are_known_newest_first() {
    let trial = Trial::start();
    let see = |day: &str, pod_hash: &str, revision: i64, stable: &str| {
        let object = Object {
            pod_hash: Some(pod_hash.into()),
            revision: Some(revision),
            stable_hash: Some(stable.into()),
            ..intent("gateway").object
        };
        trial.add(day, Body::Intent(Intent { object, ..intent("gateway") }.into()));
    };
    see("2026-11-01", "b", 2, "a");
    see("2026-11-02", "c", 3, "b");
    see("2026-11-03", "d", 4, "a");
    trial.add("2026-11-04", Body::Intent(Intent { environment: "stage".into(), ..intent("gateway") }.into()));
    let object = intent("gateway").object;
    let stable = trial.ledger.stable_hashes("prod", &object).unwrap();
    let found: Vec<_> = stable.iter().map(|one| (&*one.pod_hash, one.revision, one.seen.strftime("%d").to_string())).collect();
    assert_eq!(found, [("a", None, "03".to_owned()), ("b", Some(2), "02".to_owned())]);
    assert!(trial.ledger.stable_hashes("stage", &object).unwrap().is_empty());
    assert!(trial.ledger.stable_hashes("prod", &Object { uid: "u2".into(), ..object }).unwrap().is_empty());
}

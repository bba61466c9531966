//! The ledger between real processes: several append at once, are killed at any moment, or run out of room. This test binary starts
//! itself again as those processes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use pilothouse::ledger::acts::acts;
use pilothouse::ledger::{Body, Ending, Intent, Ledger, Outcome, Text};

/// The folder to which a process started by this test binary appends.
const FOLDER: &str = "PILOTHOUSE_TEST_LEDGER";
/// How many acts it appends; without it, as many as it can.
const COUNT: &str = "PILOTHOUSE_TEST_LEDGER_ACTS";
/// Before what a process says on its output, which the test runner uses, too.
const SAYS: &str = "ledger says: ";

/// A process that appends, and does not outlive its test.
struct Appender {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Appender {
    fn start(folder: &Path, count: Option<usize>) -> Self {
        Self::run(Command::new(std::env::current_exe().unwrap()), folder, count)
    }

    fn run(mut command: Command, folder: &Path, count: Option<usize>) -> Self {
        command.args(["--exact", "ledger::a_process_that_appends", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(FOLDER, folder).stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(count) = count {
            command.env(COUNT, count.to_string());
        }
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next thing that it says; None when it has ended.
    fn says(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.split_once(SAYS) {
                return Some(said.trim_end().to_owned());
            }
            line.clear();
        }
        None
    }

    /// Ends it as a crash does. Gives everything that it had still said.
    fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::iter::from_fn(|| self.says()).collect()
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn intent() -> Body {
    Body::Intent(Box::new(Intent {
        environment: "prod".into(),
        verb: "abort".into(),
        reason: "é".repeat(700).into(),
        ..Intent::default()
    }))
}

fn outcome(act: &Text) -> Body {
    let detail = "seen".into();
    Body::Outcome(Outcome { act: act.clone(), result: Ending::Observed, detail, observed: Vec::new(), settled_by: None })
}

/// Not a test: the process that [`Appender`] starts. Says `intent ACT` and `outcome ACT` when that is on the ledger.
#[test]
#[ignore = "started by the tests of the ledger"]
fn a_process_that_appends() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let count = std::env::var(COUNT).map_or(usize::MAX, |count| count.parse().unwrap());
    let ledger = Ledger::open(folder).unwrap();
    let done = (0..count).try_for_each(|_| {
        let entry = ledger.append(Timestamp::UNIX_EPOCH, intent())?;
        let act = entry.body.act().unwrap();
        println!("{SAYS}intent {act}");
        ledger.append(Timestamp::UNIX_EPOCH, outcome(act))?;
        println!("{SAYS}outcome {act}");
        Ok::<(), pilothouse::ledger::Error>(())
    });
    if let Err(error) = done {
        println!("{SAYS}{error}");
    }
}

#[test]
fn four_processes_append_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let appenders: Vec<Appender> = (0..4).map(|_| Appender::start(folder.path(), Some(25))).collect();
    for mut appender in appenders {
        assert_eq!(std::iter::from_fn(|| appender.says()).count(), 50);
        assert!(appender.process.wait().unwrap().success());
    }
    let ledger = Ledger::open(folder.path()).unwrap();
    let report = ledger.verify(None).unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.entries, report.vouched_from, report.last), (200, Some(1), Some(200)));
    let entries = ledger.read(None).unwrap();
    assert_eq!(acts(&entries).iter().map(|act| &act.intent.writer).collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn killed_at_any_moment_they_lose_nothing_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let mut living = Appender::start(folder.path(), None);
    let mut said: Vec<String> = living.says().into_iter().collect();
    for _ in 0..8 {
        let mut appenders: Vec<Appender> = (0..3).map(|_| Appender::start(folder.path(), None)).collect();
        said.extend(appenders.iter_mut().filter_map(Appender::says));
        for appender in appenders {
            std::thread::sleep(Duration::from_micros(fastrand::u64(0..20_000)));
            said.extend(appender.kill());
        }
        let report = ledger.verify(None).unwrap();
        assert!(report.is_clean(), "{report:#?}");
    }
    let orphans = ledger.open_intents(|_| true).unwrap();
    let entries = ledger.read(None).unwrap();
    let acts = acts(&entries);
    let find = |said: &str| {
        let (what, id) = said.split_once(' ').unwrap();
        let act = acts.iter().find(|act| &*act.intent.act == id);
        act.filter(|act| what == "intent" || act.outcome.is_some()).unwrap_or_else(|| panic!("{said}, and it is not there"))
    };
    let writer = &find(&said[0]).intent.writer;
    for said in &said {
        find(said);
    }
    let left = acts.iter().filter(|act| act.outcome.is_none() && act.intent.writer != *writer).map(|act| act.entry.sequence);
    assert_eq!(orphans.iter().map(|orphan| orphan.entry.sequence).collect::<Vec<_>>(), left.collect::<Vec<_>>());
    assert!(!orphans.is_empty(), "nobody was killed between an intent and its outcome");
    for orphan in &orphans {
        ledger.append(Timestamp::UNIX_EPOCH, outcome(&orphan.intent.act)).unwrap();
    }
    drop(orphans);
    living.kill();
    let orphans = ledger.open_intents(|_| true).unwrap();
    assert!(orphans.iter().all(|orphan| orphan.intent.writer == *writer), "what is settled is settled");
    ledger.append(Timestamp::UNIX_EPOCH, intent()).unwrap();
    let report = ledger.verify(None).unwrap();
    assert!(report.is_clean() && report.torn.is_none() && report.vouched_from == Some(1), "{report:#?}");
}

/// A limit on the size of files is a disk that is full in the middle of a line.
#[test]
fn without_room_the_beginning_of_a_line_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let mut appender = Appender::run(limited, folder.path(), None);
    let said: Vec<String> = std::iter::from_fn(|| appender.says()).collect();
    let (error, done) = said.split_last().unwrap();
    assert!(error.contains("File too large") && error.ends_with("Make room there."), "{error}");
    assert!(done.len() > 2, "{done:?}");
    let ledger = Ledger::open(folder.path()).unwrap();
    let report = ledger.verify(None).unwrap();
    assert!(report.is_clean() && report.torn.is_none(), "{report:#?}");
    assert_eq!(report.entries, done.len());
}

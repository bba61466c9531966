//! Recomputes the chain and names what is not as it was written. Reads only; believes neither file names nor sequence numbers
//! where a hash says more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Serialize;

use super::book::{self, HEAD, HeadFile};
use super::chain::{self, Head, NOTHING};
use super::{Body, Error, Text};

/// Digits of a hash that name an entry well enough.
pub const SHORTEST: usize = 16;

/// What a ledger's chain says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Entries that are there.
    pub entries: usize,
    /// Files that hold them.
    pub files: usize,
    /// Torn lines that a later entry seals.
    pub sealed: usize,
    /// The first entry for which an unbroken chain vouches, down from the last one; None if nothing vouches for any.
    pub vouched_from: Option<u64>,
    /// The last entry.
    pub last: Option<u64>,
    /// Its hash.
    pub hash: Option<String>,
    /// The entry that has the hash that was asked for.
    pub expected: Option<u64>,
    /// A line that a crash left torn at the end; the next entry seals it.
    pub torn: Option<Place>,
    /// What is wrong, in the order of the chain; empty if nothing is.
    pub findings: Vec<Finding>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong, in a word.
    pub fault: Fault,
    /// Where; for what is missing, the line that follows the gap, or the last one.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The entry, or the first of several.
    pub sequence: Option<u64>,
    /// How many entries it is about.
    pub count: u64,
    /// The same in a sentence.
    pub text: String,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It is not what was written.
    Edited,
    /// It is not there, and what comes after it is.
    Missing,
    /// It stands in another place than it was written to.
    Reordered,
    /// It is there more than once.
    Duplicated,
    /// The end is not there.
    CutOff,
    /// The head file is missing, wrong or older than the entries.
    Head,
    /// The hash that was told elsewhere is not in the chain.
    Unknown,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, fault: Fault, item: &Item, text: String) {
        let finding = Finding { fault, place: Some(item.place.clone()), sequence: item.sequence, count: 1, text };
        // Two links that do not fit may have the same end.
        if !self.findings.iter().any(|one| (one.fault, &one.place, one.sequence) == (fault, &finding.place, item.sequence)) {
            self.findings.push(finding);
        }
    }
}

/// A line, whether it is an entry or not.
#[derive(Debug)]
struct Item {
    place: Place,
    hash: String,
    /// Its place in the chain.
    sequence: Option<u64>,
    /// The hash of the entry before; None if the line is no entry.
    previous: Option<String>,
    /// Whether it ends with a newline.
    closed: bool,
}

impl Item {
    fn name(&self) -> String {
        let entry = self.sequence.map_or_else(String::new, |sequence| format!("Entry {sequence}, "));
        let line = if entry.is_empty() { "Line" } else { "line" };
        format!("{entry}{line} {} of {}", self.place.line, self.place.file)
    }
}

/// Reads everything and says what is wrong.
pub(super) fn verify(folder: &Path, expected: Option<&str>) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut items = Vec::new();
    for file in book::months(folder)? {
        let path = folder.join(&file);
        let bytes = std::fs::read(&path).map_err(Error::unreadable(&path))?;
        report.files += 1;
        items.append(&mut read(&file, &bytes, &mut report));
    }
    report.entries = items.iter().filter(|item| item.previous.is_some()).count();
    let head = match book::head(folder)? {
        HeadFile::Is(head) => Some(head),
        // Before its second entry a ledger may have no head: a crash can come between the first one and the head.
        HeadFile::Missing if report.entries < 2 => Some(Head::none()),
        HeadFile::Missing => lost(&mut report, "is missing"),
        HeadFile::Wrong => lost(&mut report, "was edited"),
    };
    torn(&mut items, head.as_ref(), &mut report);
    renumber(&mut items, &mut report);
    single(&mut items, head.as_ref(), &mut report);
    order(&items, &mut report);
    place(&mut items, &mut report);
    let chain: BTreeMap<u64, &Item> = items.iter().filter_map(|item| Some((item.sequence?, item))).collect();
    links(&chain, head.as_ref(), &mut report);
    if let Some(head) = &head {
        end(&chain, head, &mut report);
        unclosed(&chain, head, &mut report);
    } else {
        report.vouched_from = None;
    }
    if let Some(expected) = expected {
        told(&items, expected, &mut report);
    }
    report.findings.sort_by_key(|finding| finding.sequence.unwrap_or(u64::MAX));
    Ok(report)
}

fn lost(report: &mut Report, how: &str) -> Option<Head> {
    let text = format!("{HEAD} {how}: what was cut off at the end cannot be found.");
    let place = Some(Place { file: HEAD.to_owned(), line: 1 });
    report.findings.push(Finding { fault: Fault::Head, place, sequence: None, count: 0, text });
    None
}

/// The lines of a file but for torn ones that are sealed: those right before a repair that has their hash.
fn read(file: &str, bytes: &[u8], report: &mut Report) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let (mut offset, mut torn) = (0, None);
    for (number, whole) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let envelope = chain::envelope(line);
        let item = Item {
            place: Place { file: file.to_owned(), line: number + 1 },
            hash: chain::hash(line),
            sequence: envelope.as_ref().map(|envelope| envelope.sequence),
            previous: envelope.map(|envelope| envelope.previous),
            closed: line.len() < whole.len(),
        };
        if item.previous.is_none() {
            torn.get_or_insert((offset, items.len()));
        } else {
            let torn = torn.take().map(|(from, first)| (chain::hash(bytes.get(from..offset - 1).unwrap_or_default()), first));
            match (seals(line), torn) {
                (Some(seals), Some((hash, first))) if *seals == hash => {
                    items.truncate(first);
                    report.sealed += 1;
                }
                (Some(_), None) => report.find(Fault::Missing, &item, format!("{} seals a line that is not there.", item.name())),
                _ => {}
            }
        }
        items.push(item);
        offset += whole.len();
    }
    items
}

/// The hash of the torn line that a line seals.
fn seals(line: &[u8]) -> Option<Text> {
    match chain::read(line)?.body {
        Body::Repair(repair) => Some(repair.hash),
        _ => None,
    }
}

/// Sets lines at the very end that are no entries aside as torn by a crash, if the head says that they were never finished.
fn torn(items: &mut Vec<Item>, head: Option<&Head>, report: &mut Report) {
    let length = items.iter().rposition(|item| item.previous.is_some()).map_or(0, |last| last + 1);
    let whole = match (items.get(..length).and_then(<[_]>::last), head) {
        (Some(last), Some(head)) => last.hash == head.hash || follows(last, head),
        (None, Some(head)) => head.sequence == 0,
        (_, None) => false,
    };
    if whole {
        report.torn = items.get(length).map(|item| item.place.clone());
        items.truncate(length);
    }
}

/// Whether an entry comes right after the one that the head names: a crash came before the head was written.
fn follows(item: &Item, head: &Head) -> bool {
    item.previous.as_ref() == Some(&head.hash) && item.sequence == head.sequence.checked_add(1)
}

/// An entry that names the one before it by its hash cannot have another number than the next.
fn renumber(items: &mut [Item], report: &mut Report) {
    let mut numbers: HashMap<String, u64> = items.iter().filter_map(|item| Some((item.hash.clone(), item.sequence?))).collect();
    numbers.insert(NOTHING.to_owned(), 0);
    for item in items {
        let before = item.previous.as_ref().and_then(|previous| numbers.get(previous));
        let (Some(says), Some(is)) = (item.sequence, before.map(|before| before.saturating_add(1))) else { continue };
        if says != is {
            item.sequence = Some(is);
            report.find(Fault::Edited, item, format!("{} was edited: it calls itself {says}.", item.name()));
        }
    }
}

/// Leaves each entry once. Of two with one number the one stays whose hash stands elsewhere, and then the one in its place.
fn single(items: &mut Vec<Item>, head: Option<&Head>, report: &mut Report) {
    let mut named: HashSet<&str> = items.iter().filter_map(|item| item.previous.as_deref()).collect();
    named.extend(head.map(|head| head.hash.as_str()));
    let mut kept: HashMap<u64, (usize, (bool, bool))> = HashMap::new();
    let mut spare = HashSet::new();
    let mut before = NOTHING;
    for (place, item) in items.iter().enumerate() {
        let right = (named.contains(item.hash.as_str()), item.previous.as_deref() == Some(before));
        before = &item.hash;
        let Some(sequence) = item.sequence else { continue };
        let (other, other_right) = *kept.entry(sequence).or_insert((place, right));
        if other != place {
            spare.insert(if right > other_right { other } else { place });
            kept.insert(sequence, if right > other_right { (place, right) } else { (other, other_right) });
        }
    }
    let mut place = 0..;
    items.retain(|item| {
        let keep = place.next().is_none_or(|place| !spare.contains(&place));
        if !keep {
            report.find(Fault::Duplicated, item, format!("{} is there more than once.", item.name()));
        }
        keep
    });
}

/// Names entries that stand where others belong.
fn order(items: &[Item], report: &mut Report) {
    let entries: Vec<&Item> = items.iter().filter(|item| item.sequence.is_some()).collect();
    let mut sorted = entries.clone();
    sorted.sort_by_key(|item| item.sequence);
    for (is, should) in entries.iter().zip(&sorted) {
        if let (true, Some(here)) = (is.sequence != should.sequence, should.sequence) {
            report.find(Fault::Reordered, is, format!("{} stands in the place of entry {here}.", is.name()));
        }
    }
}

/// Gives lines that are no entries the numbers that lack there.
fn place(items: &mut [Item], report: &mut Report) {
    let mut taken: HashSet<u64> = items.iter().filter_map(|item| item.sequence).collect();
    let mut before: u64 = 0;
    for item in items {
        if item.previous.is_none() {
            item.sequence = before.checked_add(1).filter(|number| taken.insert(*number));
            report.find(Fault::Edited, item, format!("{} was edited: it is no entry.", item.name()));
        }
        before = item.sequence.unwrap_or(before);
    }
}

/// Follows the chain: what lacks in it, and which entries are not those whose hashes stand in the next ones.
fn links(chain: &BTreeMap<u64, &Item>, head: Option<&Head>, report: &mut Report) {
    let vouched = |number: u64, item: &Item| match chain.get(&number.saturating_add(1)) {
        Some(next) => next.previous.as_ref() == Some(&item.hash),
        None => head.is_some_and(|head| head.hash == item.hash || follows(item, head)),
    };
    let mut before: Option<(u64, &Item)> = None;
    for (&number, &item) in chain {
        let (last, hash) = before.map_or((0, NOTHING), |(last, item)| (last, item.hash.as_str()));
        let fits = item.previous.as_deref() == Some(hash);
        if number > last + 1 {
            missing(last + 1, number - 1, item, report);
        } else if let (false, Some(_), Some((_, edited))) =
            (fits, &item.previous, before.filter(|(_, before)| before.previous.is_some()))
        {
            let doubt = if vouched(number, item) { "" } else { ", which was edited itself" };
            report.find(Fault::Edited, edited, format!("{} is not the one that entry {number} follows{doubt}.", edited.name()));
        } else if !fits && before.is_none() && item.previous.is_some() {
            report.find(Fault::Edited, item, format!("{} was edited: it does not begin the chain.", item.name()));
        }
        if !fits || report.vouched_from.is_none() {
            report.vouched_from = item.previous.is_some().then_some(number);
        }
        before = Some((number, item));
    }
    if let Some((number, last)) = before {
        (report.last, report.hash) = (Some(number), Some(last.hash.clone()));
        if !vouched(number, last) {
            report.vouched_from = None;
        }
    }
}

fn missing(first: u64, last: u64, next: &Item, report: &mut Report) {
    let (which, are) = range(first, last);
    let text = format!("{which} {are} missing before line {} of {}.", next.place.line, next.place.file);
    let place = Some(next.place.clone());
    report.findings.push(Finding { fault: Fault::Missing, place, sequence: Some(first), count: last - first + 1, text });
}

fn range(first: u64, last: u64) -> (String, &'static str) {
    if first == last { (format!("Entry {first}"), "is") } else { (format!("Entries {first} to {last}"), "are") }
}

/// Compares the end of the chain with what the head says.
fn end(chain: &BTreeMap<u64, &Item>, head: &Head, report: &mut Report) {
    let (last, item) = chain.last_key_value().map_or((0, None), |(last, item)| (*last, Some(*item)));
    let names = format!("{HEAD} names entry {}", head.sequence);
    if head.sequence > last {
        let (which, are) = range(last + 1, head.sequence);
        let place = item.map(|item| item.place.clone());
        let text = format!("{which} {are} cut off: {names} as the last.");
        let count = head.sequence - last;
        report.findings.push(Finding { fault: Fault::CutOff, place, sequence: Some(last + 1), count, text });
        return;
    }
    let at = Some(Place { file: HEAD.to_owned(), line: 1 });
    let behind = last - head.sequence > 1;
    let named = chain.get(&head.sequence).filter(|item| item.previous.is_some());
    let text = match named {
        _ if behind => format!(
            "{names} as the last, and entry {last} is: an older {HEAD} was put in its place, or entries were added by hand."
        ),
        Some(named) if named.hash != head.hash && head.sequence == last => {
            return report.find(Fault::Edited, named, format!("{} was edited: {HEAD} has another hash of it.", named.name()));
        }
        Some(named) if named.hash != head.hash || named.place.file != head.file => {
            format!("{names} with another hash or in another file than it has.")
        }
        _ => return,
    };
    report.findings.push(Finding { fault: Fault::Head, place: at, sequence: Some(head.sequence), count: 1, text });
}

/// Names entries whose newline lacks, but for a last one that a crash came upon.
fn unclosed(chain: &BTreeMap<u64, &Item>, head: &Head, report: &mut Report) {
    let open = chain.iter().filter(|(number, item)| !item.closed && item.previous.is_some() && **number <= head.sequence);
    for (_, item) in open {
        report.find(Fault::CutOff, item, format!("{} lacks its newline.", item.name()));
    }
}

/// Looks for the hash that was told elsewhere.
fn told(items: &[Item], expected: &str, report: &mut Report) {
    let expected = expected.to_ascii_lowercase();
    let found = items.iter().find(|item| item.previous.is_some() && expected.len() >= SHORTEST && item.hash.starts_with(&expected));
    report.expected = found.and_then(|item| item.sequence);
    if found.is_none() {
        let text =
            format!("No entry has the hash '{expected}': the one that had it was edited or cut off, or it is another ledger's.");
        report.findings.push(Finding { fault: Fault::Unknown, place: None, sequence: None, count: 1, text });
    }
}

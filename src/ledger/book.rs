//! The files of a ledger: where the chain ends, and how a line is added so that a crash at any point leaves it whole or plainly
//! torn. Everything here that writes is for the one that holds the lock.

use std::fs::{File, read_dir};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write as _};
use std::path::Path;

use jiff::Timestamp;

use super::chain::{self, Head, Line, NOTHING, VERSION};
use super::{Body, Entry, Error, Repair, text};
use crate::config::files;

/// The file of the head.
pub(super) const HEAD: &str = "head.json";
/// First look at the end of a file, in bytes; doubled until an entry is found.
const WINDOW: u64 = 64 << 10;
/// Bytes of a torn line that a repair shows.
const SHOWN: usize = 200;

/// Names of the files of entries, oldest first.
pub(super) fn months(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::unreadable(folder))?,
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut months: Vec<String> = names.filter(|name| is_month(name)).collect();
    months.sort();
    Ok(months)
}

fn is_month(name: &str) -> bool {
    let stem = name.strip_suffix(".jsonl").and_then(|stem| stem.split_once('-'));
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    stem.is_some_and(|(year, month)| digits(year, 4) && digits(month, 2))
}

/// The file for entries of a time.
pub(super) fn month(time: Timestamp) -> String {
    time.strftime("%Y-%m.jsonl").to_string()
}

/// What the head file says.
pub(super) enum HeadFile {
    Missing,
    Wrong,
    Is(Head),
}

/// Reads the head file.
pub(super) fn head(folder: &Path) -> Result<HeadFile, Error> {
    let path = folder.join(HEAD);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Head::read(&bytes).map_or(HeadFile::Wrong, HeadFile::Is)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(HeadFile::Missing),
        Err(error) => Err(Error::unreadable(&path)(error)),
    }
}

/// The end of the chain, where the next entry goes.
pub(super) struct End<'a> {
    folder: &'a Path,
    /// The newest file; empty if there is none.
    file: String,
    sequence: u64,
    hash: String,
    /// Bytes after the last entry of `file` that are none.
    torn: Vec<u8>,
    /// Whether the newest file that is not empty lacks its last newline.
    open: Option<String>,
    doubt: Option<&'static str>,
}

impl<'a> End<'a> {
    /// Finds the end of the chain and brings the files to where a whole line can follow: a newline where one lacks, a torn line
    /// sealed, a head that is one behind brought up, and a note where the head is not what it should be.
    pub fn find(folder: &'a Path, now: Timestamp) -> Result<Self, Error> {
        let (mut end, last) = Self::look(folder)?;
        end.judge(last)?;
        if let Some(file) = end.open.take() {
            end.write(&file, b"\n", || Ok(()))?;
        }
        let torn = std::mem::take(&mut end.torn);
        if !torn.is_empty() {
            let torn = torn.strip_suffix(b"\n").unwrap_or(&torn);
            let file = end.file.clone();
            let bytes = text::cut(&String::from_utf8_lossy(torn), SHOWN).into();
            end.put(now, &file, &Body::Repair(Repair { file: file.as_str().into(), bytes, hash: chain::hash(torn).into() }))?;
        }
        if let Some(doubt) = end.doubt.take() {
            end.add(now, &Body::Note { text: doubt.into() })?;
        }
        Ok(end)
    }

    /// Adds an entry: in the file of its month, or in the newest if the clock went back, so that files are in the chain's order.
    pub fn add(&mut self, now: Timestamp, body: &Body) -> Result<Entry, Error> {
        let file = month(now).max(self.file.clone());
        self.put(now, &file, body)
    }

    fn look(folder: &'a Path) -> Result<(Self, Option<Last>), Error> {
        let mut end =
            Self { folder, file: String::new(), sequence: 0, hash: NOTHING.into(), torn: Vec::new(), open: None, doubt: None };
        for file in months(folder)?.into_iter().rev() {
            let path = folder.join(&file);
            let (last, rest, closed) = last(&path, &file).map_err(Error::unreadable(&path))?;
            if !closed && end.torn.is_empty() {
                end.open = Some(file.clone());
            }
            // Only what comes after the last entry of all is torn; elsewhere it is for `verify` to name.
            if end.torn.is_empty() && !rest.is_empty() {
                (end.torn, end.file) = (rest, file.clone());
            }
            if end.file.is_empty() {
                end.file = file;
            }
            if last.is_some() {
                return Ok((end, last));
            }
        }
        Ok((end, None))
    }

    /// Decides what the next entry follows. A head that is ahead, or names another line as the last one, is followed: the chain then
    /// keeps the gap, for `verify` to name, instead of closing over what was cut off or edited.
    fn judge(&mut self, last: Option<Last>) -> Result<(), Error> {
        let (head, doubt) = match head(self.folder)? {
            HeadFile::Is(head) => {
                (head, "head.json was behind or did not fit the entry before this one: entries may have been replaced.")
            }
            HeadFile::Missing => (Head::none(), "head.json was missing: entries before this one may have been cut off."),
            HeadFile::Wrong => (Head::none(), "head.json could not be read: entries before this one may have been cut off."),
        };
        let Some(last) = last.filter(|last| last.sequence > head.sequence) else {
            (self.sequence, self.hash) = (head.sequence, head.hash);
            return Ok(());
        };
        (self.sequence, self.hash) = (last.sequence, last.hash);
        if last.sequence == head.sequence + 1 && last.previous == head.hash {
            // A crash came between the line and the head. Brought up now, or a second crash would leave it two behind.
            self.point(&last.file)?;
        } else {
            self.doubt = Some(doubt);
        }
        Ok(())
    }

    fn put(&mut self, now: Timestamp, file: &str, body: &Body) -> Result<Entry, Error> {
        let sequence = self.sequence.saturating_add(1);
        let line = Line { version: VERSION, sequence, time: now, previous: &self.hash, body };
        let path = self.folder.join(file);
        let mut bytes = serde_json::to_vec(&line).map_err(|error| Error::unwritable(&path)(error.into()))?;
        let entry = chain::read(&bytes).ok_or_else(|| Error::unwritable(&path)(ErrorKind::InvalidData.into()))?;
        bytes.push(b'\n');
        (self.sequence, self.hash) = (sequence, entry.hash.to_string());
        file.clone_into(&mut self.file);
        self.write(file, &bytes, || self.point(file))?;
        Ok(entry)
    }

    /// Adds bytes to a file, on the disk before this returns, and does what has to follow. If either fails, the bytes are taken back.
    fn write(&self, file: &str, bytes: &[u8], then: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        let path = self.folder.join(file);
        let mut file = files::private().append(true).open(&path).map_err(Error::unwritable(&path))?;
        let before = file.metadata().map_err(Error::unwritable(&path))?.len();
        let added = file.write_all(bytes).and_then(|()| file.sync_data()).map_err(Error::unwritable(&path));
        added.and_then(|()| then()).inspect_err(|_| {
            // Where this fails too, a torn line is left, which the next append seals, or an entry that nobody counts on.
            let _ = file.set_len(before);
        })
    }

    /// Makes the head name the end of the chain, at once or not at all.
    fn point(&self, file: &str) -> Result<(), Error> {
        let head = Head { version: VERSION, sequence: self.sequence, hash: self.hash.clone(), file: file.to_owned() };
        let (path, new) = (self.folder.join(HEAD), self.folder.join("head.json.new"));
        let replace = || -> io::Result<()> {
            let mut written = files::private().write(true).truncate(true).open(&new)?;
            written.write_all(&head.written()?)?;
            written.sync_all()?;
            std::fs::rename(&new, &path)
        };
        replace().map_err(Error::unwritable(&path))?;
        // The names of a new head and of a new month are on the disk only when the folder is. Not every file system can say so.
        let _ = File::open(self.folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

/// The last entry of the chain.
struct Last {
    file: String,
    sequence: u64,
    previous: String,
    hash: String,
}

/// The last entry of a file, what stands after it, and whether the file ends with a newline.
fn last(path: &Path, name: &str) -> io::Result<(Option<Last>, Vec<u8>, bool)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut window = WINDOW;
    loop {
        let from = length.saturating_sub(window);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&mut file).take(length - from).read_to_end(&mut bytes)?;
        let closed = bytes.last().is_none_or(|byte| *byte == b'\n');
        let mut after = bytes.len();
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').rev();
        for whole in lines {
            let begin = after - whole.len();
            // The first line may have begun before the window.
            let line = whole.strip_suffix(b"\n").unwrap_or(whole);
            if let Some(envelope) = (begin > 0 || from == 0).then(|| chain::envelope(line)).flatten() {
                let last = Last {
                    file: name.to_owned(),
                    sequence: envelope.sequence,
                    previous: envelope.previous,
                    hash: chain::hash(line),
                };
                return Ok((Some(last), bytes.split_off(after), closed));
            }
            after = begin;
        }
        if from == 0 {
            return Ok((None, bytes, closed));
        }
        window *= 2;
    }
}

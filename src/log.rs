//! Tracing to a file, and the ring of recent lines that the log page shows. Nothing is ever printed over the screen, and
//! what looks like a credential is masked before it reaches either.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::secret::mask;
use crate::config::{self, files};

/// Lines kept for the log page.
const KEPT: usize = 1_000;

/// A log file larger than this many bytes is set aside at the next start.
const FULL: u64 = 4 << 20;

/// Said after the level that was asked for. kube's spans carry URLs at debug; at info they are noise.
const QUIET: &str = "kube_client=warn,kube_runtime=warn,hyper=warn,hyper_util=warn,tower=warn,rustls=warn,h2=warn";

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was said, by the local clock.
    pub at: Timestamp,
    /// How grave it is.
    pub level: Level,
    /// Which module said it.
    pub target: Arc<str>,
    /// What it said, on one line.
    pub text: Arc<str>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} {:5} {}: {}", self.at, self.level, self.target, self.text)
    }
}

/// The newest lines of the log; cheap to clone, every clone sees the same lines.
#[derive(Clone, Debug, Default)]
pub struct Ring(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    total: u64,
}

impl Ring {
    /// The newest `count` lines, oldest first.
    pub fn lines(&self, count: usize) -> Vec<Line> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lines.iter().skip(kept.lines.len().saturating_sub(count)).cloned().collect()
    }

    /// How many lines were ever said: a reader that remembers it knows whether there is anything new.
    pub fn total(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// Adds a line; the oldest makes room.
    pub fn push(&self, line: Line) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.lines.len() == KEPT {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
        kept.total += 1;
    }
}

/// Why nothing is logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `--log-level` is neither a level nor a filter.
    #[error("'{level}' is not a log level. Use error, warn, info, debug, trace, or a filter such as pilothouse::source=debug.")]
    Level {
        /// What was asked for.
        level: String,
    },
    /// The log file cannot be opened.
    #[error("The log cannot be written. {0} Or name a file with --log-file.")]
    File(#[from] config::Error),
    /// Logging was started before in this process.
    #[error("The log is being written already.")]
    Twice,
}

/// Starts logging for this process: lines of `level` and graver go to `file`, if there is one, and to the ring that is returned.
pub fn start(level: &str, file: Option<&Path>) -> Result<Ring, Error> {
    let filter = EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|_| Error::Level { level: level.to_owned() })?;
    let ring = Ring::default();
    let file = file.map(open).transpose()?.map(Mutex::new);
    let scribe = Scribe { file, ring: ring.clone() };
    let subscriber = Registry::default().with(scribe.with_filter(filter));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::Twice)?;
    Ok(ring)
}

/// Opens the log; a full one is set aside as `NAME.old` first. Failing at that only means a longer file.
fn open(path: &Path) -> Result<File, config::Error> {
    if std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > FULL) {
        let _ = std::fs::rename(path, path.with_extension("log.old"));
    }
    files::append(path)
}

/// The tracing layer: each event becomes a line, written once to the file and once to the ring.
struct Scribe {
    file: Option<Mutex<File>>,
    ring: Ring,
}

impl<S: Subscriber> Layer<S> for Scribe {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let line = Line {
            at: now(),
            level: *event.metadata().level(),
            target: event.metadata().target().into(),
            text: mask(&text.0).into(),
        };
        if let Some(file) = &self.file {
            // A full disk must not stop a release: the ring still has the line.
            let _ = writeln!(file.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        }
        self.ring.push(line);
    }
}

#[expect(clippy::disallowed_methods, reason = "a log line says when it was written; nothing is decided by it")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The message first, then the fields as `name=value`, on one line.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}").replace(['\n', '\r'], " ");
        if field.name() == "message" {
            let rest = std::mem::replace(&mut self.0, value);
            self.0.push_str(&rest);
        } else {
            let _ = write!(self.0, " {}={value}", field.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Line {
        Line { at: Timestamp::UNIX_EPOCH, level: Level::INFO, target: "here".into(), text: number.to_string().into() }
    }

    #[test]
    fn ring_keeps_the_newest_lines_in_order() {
        let ring = Ring::default();
        (0..KEPT + 5).for_each(|number| ring.push(line(number)));
        let texts: Vec<_> = ring.lines(2).iter().map(|line| line.text.to_string()).collect();
        assert_eq!(texts, [(KEPT + 3).to_string(), (KEPT + 4).to_string()]);
        assert_eq!(ring.lines(usize::MAX).len(), KEPT);
        assert_eq!(ring.total(), KEPT as u64 + 5);
    }

    #[test]
    fn events_reach_the_file_and_the_ring_masked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/pilothouse.log");
        let ring = Ring::default();
        let scribe = Scribe { file: Some(Mutex::new(open(&path).unwrap())), ring: ring.clone() };
        tracing::subscriber::with_default(Registry::default().with(scribe), || {
            tracing::warn!(token = "Bearer abc", tries = 3, "lost\nthe watch");
        });
        assert_eq!(&*ring.lines(1)[0].text, "lost the watch token=Bearer *** tries=3");
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.contains(" WARN  pilothouse::log::tests: lost the watch token=Bearer *** tries=3\n"), "{written}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        }
    }
}

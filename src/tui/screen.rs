//! The terminal's modes: taken when the cockpit opens, given back on every way out, also when any thread panics. Once they are given
//! back nothing more is written, so that a last frame cannot fall onto the shell.

use std::io::{self, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::Wake;

/// Alternate screen, no cursor, pastes as pastes.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The mouse: presses and wheel in cells, without a report of every movement.
const MOUSE: &str = "\x1b[?1000h\x1b[?1006h";
/// Everything back, the mouse also where it was never taken; first the end of a frame that broke off.
const LEAVE: &str = "\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";

/// How long a panic waits for a frame that is being written.
const PATIENCE: Duration = Duration::from_millis(200);

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// Holds the terminal's modes; dropping it gives them back.
pub(super) struct Guard {
    modes: Arc<Modes>,
    hook: Arc<Mutex<Option<Hook>>>,
}

struct Modes {
    taken: AtomicBool,
    mouse: bool,
    /// Held while something is written.
    writing: Mutex<()>,
}

impl Guard {
    /// Takes the terminal. From now on a panic on any thread gives it back before the report is written, and ends the loop.
    pub(super) fn enter(mouse: bool, wakes: Sender<Wake>) -> io::Result<Self> {
        let modes = Arc::new(Modes { taken: AtomicBool::new(false), mouse, writing: Mutex::new(()) });
        let hook = Arc::new(Mutex::new(Some(panic::take_hook())));
        let (held, former) = (Arc::clone(&modes), Arc::clone(&hook));
        let owner = std::thread::current().id();
        panic::set_hook(Box::new(move |report| {
            held.leave();
            if let Some(former) = &*former.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
                former(report);
            }
            // The thread of the loop unwinds by itself.
            if std::thread::current().id() != owner {
                let _ = wakes.send(Wake::Panicked);
            }
        }));
        let guard = Self { modes, hook };
        guard.modes.enter()?;
        Ok(guard)
    }

    /// Writes to the terminal in one piece; nothing once it has been given back.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let _writing = self.modes.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.modes.taken.load(Ordering::Acquire) { put(bytes) } else { Ok(()) }
    }

    /// Gives the terminal back for a while.
    pub(super) fn leave(&self) {
        self.modes.leave();
    }

    /// Takes it again.
    pub(super) fn enter_again(&self) -> io::Result<()> {
        self.modes.enter()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.modes.leave();
        // While unwinding the hook must not be touched; the process is about to end.
        if !std::thread::panicking() {
            let _ = panic::take_hook();
            if let Some(former) = self.hook.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
                panic::set_hook(former);
            }
        }
    }
}

impl Modes {
    fn enter(&self) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        enable_raw_mode()?;
        self.taken.store(true, Ordering::Release);
        put(ENTER.as_bytes())?;
        if self.mouse { put(MOUSE.as_bytes()) } else { Ok(()) }
    }

    /// Gives everything back, once. Whoever panics waits for a frame being written, but not for ever on a terminal that hangs.
    fn leave(&self) {
        let _writing = self.wait();
        if self.taken.swap(false, Ordering::AcqRel) {
            // A terminal that is gone cannot be restored, and need not be.
            let _ = put(LEAVE.as_bytes());
            let _ = disable_raw_mode();
        }
    }

    fn wait(&self) -> Option<MutexGuard<'_, ()>> {
        let begun = Instant::now();
        loop {
            match self.writing.try_lock() {
                Ok(writing) => return Some(writing),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

fn put(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

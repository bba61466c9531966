//! The only owner of the terminal. A plain loop on the calling thread: keys first, facts in small slices, a frame at once after a
//! key and otherwise at most every sixtieth of a second. Whatever ends it, the terminal is as it was before.

mod convert;
mod cycle;
mod hand;
mod input;
mod pace;
mod painter;
mod screen;
mod signals;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use self::cycle::Cycle;
use self::input::Input;
use self::painter::Painter;
use self::screen::Guard;
use crate::app::{Env, Msg, State};
use crate::config::Settings;
use crate::input::Keymap;
use crate::log::Ring;
use crate::ui::theme::Theme;
use crate::wire::{self, Running};

/// What woke the loop.
#[derive(Debug)]
enum Wake {
    /// The terminal said something.
    Input(crossterm::event::Event),
    /// The terminal is gone.
    Vanished,
    /// Facts wait in the mailbox.
    Facts,
    /// An answer to something that the core wished.
    Told(Box<Msg>),
    /// The system wants something.
    Signal(signals::Wish),
    /// Another thread panicked; the terminal has been restored and the report written.
    Panicked,
}

/// Wakes the loop because facts wait, or with an answer. For sources and the runner.
#[derive(Clone, Debug)]
pub struct Waker(mpsc::Sender<Wake>);

impl Waker {
    /// Wakes it. When the loop has ended this does nothing.
    pub fn wake(&self) {
        let _ = self.0.send(Wake::Facts);
    }

    /// Brings an answer. When the loop has ended nobody hears it.
    pub fn tell(&self, msg: Msg) {
        let _ = self.0.send(Wake::Told(Box::new(msg)));
    }
}

/// Reads a theme by its name; the error says why it cannot be used.
pub type Load = Box<dyn Fn(&str) -> Result<Theme, String>>;

/// Draws a state into a buffer.
pub type Draw<'a> = Box<dyn FnMut(&State, &Theme, &mut Buffer) + 'a>;

/// How the cockpit looks and listens.
pub struct Looks {
    /// Which key asks for what.
    pub keymap: Keymap,
    /// The theme at the start.
    pub theme: Theme,
    /// Names of all themes, in the order in which the key goes through them.
    pub themes: Vec<String>,
    /// Reads a theme.
    pub load: Load,
    /// The lines of the log page.
    pub log: Ring,
}

/// What is run: the sources and the drawing. The program's own are the default; tests put others in their place.
pub struct Parts<'a> {
    /// Starts the sources, after the first frame.
    #[expect(clippy::type_complexity, reason = "one function, named by its field")]
    pub start: Box<dyn FnOnce(&Settings, Waker) -> io::Result<Running> + 'a>,
    /// Draws a state.
    pub draw: Draw<'a>,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Self { start: Box::new(|settings, waker| wire::start(settings, move || waker.wake())), draw: Box::new(crate::ui::draw) }
    }
}

/// How the cockpit was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Somebody wanted to.
    Asked,
    /// This signal ended it.
    Signal(i32),
}

/// Why the cockpit did not open, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input or output is not a terminal.
    #[error("The cockpit needs a terminal, and {0} is none. Without one: pilothouse status, pilothouse watch.")]
    NotATerminal(&'static str),
    /// The terminal cannot move its cursor.
    #[error("The cockpit cannot draw on a terminal with TERM=dumb. Without a screen: pilothouse status, pilothouse watch.")]
    Dumb,
    /// The terminal refused something.
    #[error("The terminal failed: {0}.")]
    Terminal(#[from] io::Error),
    /// The sources could not be started.
    #[error("The sources could not be started: {0}.")]
    Start(io::Error),
}

impl Error {
    /// Whether the cockpit was asked for where it cannot be.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NotATerminal(_) | Self::Dumb)
    }
}

/// Runs the cockpit until somebody leaves it.
pub fn run(settings: &Settings, looks: Looks) -> Result<Left, Error> {
    run_parts(settings, looks, Parts::default())
}

/// The same with other parts.
pub fn run_parts(settings: &Settings, looks: Looks, parts: Parts<'_>) -> Result<Left, Error> {
    check_terminal()?;
    let (sender, receiver) = mpsc::channel();
    // Before anything is taken: a signal that arrives in between must not leave the terminal as it is, nor a size be missed.
    signals::listen(sender.clone())?;
    let size = size();
    let env = Env { themes: looks.themes, bell: settings.ui.bell };
    let state = State::new(settings, Arc::new(looks.keymap), size, now());
    let guard = Guard::enter(settings.ui.mouse, sender.clone())?;
    let mut cycle = Cycle {
        state,
        env,
        theme: looks.theme,
        load: looks.load,
        log: looks.log,
        logged: 0,
        draw: parts.draw,
        painter: Painter::new(size),
        pace: pace::Pace::default(),
        guard,
        running: None,
        waker: Waker(sender.clone()),
    };
    cycle.frame()?;
    let waker = cycle.waker.clone();
    cycle.running = Some((parts.start)(settings, waker).map_err(Error::Start)?);
    cycle.begin();
    let input = Input::start(sender)?;
    let ended = cycle.run(&receiver, &input);
    if let Some(running) = &cycle.running {
        running.disarm_all();
    }
    drop(cycle);
    match ended? {
        cycle::Ending::Left => Ok(Left::Asked),
        cycle::Ending::Signal(signal) => Ok(Left::Signal(signal)),
        // The report has been written by the hook of the thread that panicked; this one ends likewise.
        cycle::Ending::Panicked => std::panic::resume_unwind(Box::new("a source panicked")),
    }
}

/// Whether the cockpit can open here.
pub fn check_terminal() -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::NotATerminal("stdin"));
    }
    if !io::stdout().is_terminal() {
        return Err(Error::NotATerminal("stdout"));
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(Error::Dumb);
    }
    Ok(())
}

/// The terminal's size; where it does not say, the size of old.
fn size() -> Size {
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns > 0 && rows > 0 => Size::new(columns, rows),
        _ => Size::new(80, 24),
    }
}

#[expect(clippy::disallowed_methods, reason = "the loop hands the time to the core as a message")]
fn now() -> Timestamp {
    Timestamp::now()
}

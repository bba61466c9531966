//! The loop: wait, hear, draw. Data cannot delay a key: facts are taken in slices, and a key that arrives meanwhile goes first.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crossterm::event::Event;

use super::hand::hand;
use super::input::Input;
use super::pace::Pace;
use super::painter::Painter;
use super::screen::Guard;
use super::signals::Wish;
use super::{Draw, Load, Wake, Waker, convert, now, size};
use crate::app::{self, Effect, Env, Msg, Screen, State};
use crate::log::Ring;
use crate::ui::theme::Theme;
use crate::wire::Running;

/// Facts taken in between two looks at the keyboard.
const SLICE: usize = 64;
/// How long facts are taken in before a frame.
const BUDGET: Duration = Duration::from_millis(4);
/// Lines of the log page.
const LOG_LINES: usize = 1_000;

/// Everything the loop works with.
pub(super) struct Cycle<'a> {
    pub(super) state: State,
    pub(super) env: Env,
    pub(super) theme: Theme,
    pub(super) load: Load,
    pub(super) log: Ring,
    pub(super) logged: u64,
    pub(super) draw: Draw<'a>,
    pub(super) painter: Painter,
    pub(super) pace: Pace,
    pub(super) guard: Guard,
    pub(super) running: Option<Running>,
    pub(super) waker: Waker,
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Somebody left.
    Left,
    /// A signal ended it.
    Signal(i32),
    /// Another thread panicked.
    Panicked,
}

/// What one thing that happened asks of the loop.
enum Next {
    /// Nothing special.
    Go,
    /// A frame, at once.
    Draw,
    /// The end.
    End(Ending),
}

impl Cycle<'_> {
    /// Runs until somebody leaves.
    pub(super) fn run(&mut self, wakes: &Receiver<Wake>, input: &Input) -> io::Result<Ending> {
        // Facts may have arrived before this loop listened.
        let mut facts = true;
        let mut dirty = true;
        loop {
            let first = match self.timeout(dirty, facts) {
                Some(timeout) => match wakes.recv_timeout(timeout) {
                    Ok(wake) => Some(wake),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return Ok(Ending::Left),
                },
                None => wakes.try_recv().ok(),
            };
            dirty |= self.tick();
            let mut urgent = false;
            let mut wake = first;
            while let Some(happened) = wake {
                match happened {
                    Wake::Facts => facts = true,
                    happened => match self.hear(happened, input)? {
                        Next::Go => {}
                        Next::Draw => urgent = true,
                        Next::End(ending) => return Ok(ending),
                    },
                }
                wake = wakes.try_recv().ok();
            }
            if facts && !urgent && self.pace.is_due() {
                facts = self.take_facts();
                dirty = true;
            }
            if urgent || (dirty && self.pace.is_due()) {
                match self.frame() {
                    Ok(()) => dirty = false,
                    // The terminal vanished: there is nobody left to tell.
                    Err(_) => return Ok(Ending::Left),
                }
            }
        }
    }

    /// Once the parts run: what others left open on the ledger is settled, and what stands there is read.
    pub(super) fn begin(&mut self) {
        let Some(running) = &self.running else { return };
        let waker = self.waker.clone();
        let read = {
            let waker = waker.clone();
            move |view| waker.tell(Msg::Ledger(Box::new(view)))
        };
        running.runner().read_ledger(read);
        running.runner().settle(move || waker.tell(Msg::Recorded));
    }

    /// Draws the state, and remembers how long the terminal took.
    pub(super) fn frame(&mut self) -> io::Result<()> {
        self.follow_log();
        self.painter.size(self.state.size);
        (self.draw)(&self.state, &self.theme, self.painter.canvas());
        let begun = Instant::now();
        let bytes = self.painter.finish()?;
        if !bytes.is_empty() {
            self.guard.write(bytes)?;
        }
        self.pace.drawn(begun);
        Ok(())
    }

    /// How long to wait for something to happen; None to look without waiting.
    fn timeout(&self, dirty: bool, facts: bool) -> Option<Duration> {
        if dirty || facts {
            return self.pace.left();
        }
        let left = self.state.next_wake().duration_since(now());
        Some(Duration::try_from(left).unwrap_or_default())
    }

    /// Tells the core the time. Says whether the picture may have changed by itself.
    fn tick(&mut self) -> bool {
        let now = now();
        let due = now >= self.state.next_wake();
        self.tell(Msg::Tick(now));
        due
    }

    /// Takes facts in for a moment. Says whether more may be waiting.
    fn take_facts(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            let Some(running) = &self.running else { return false };
            let facts = running.mailbox.take(SLICE);
            let all = facts.len() < SLICE;
            if !facts.is_empty() {
                self.tell(Msg::Facts(facts));
            }
            if all || begun.elapsed() >= BUDGET {
                return !all;
            }
        }
    }

    fn hear(&mut self, wake: Wake, input: &Input) -> io::Result<Next> {
        match wake {
            Wake::Input(event) => return self.hear_terminal(event, input),
            Wake::Vanished | Wake::Signal(Wish::Leave) => return Ok(Next::End(Ending::Left)),
            Wake::Signal(Wish::End(signal)) => return Ok(Next::End(Ending::Signal(signal))),
            Wake::Signal(Wish::Suspend) => self.suspend(input)?,
            Wake::Signal(Wish::Resize) => self.follow_size(),
            Wake::Panicked => return Ok(Next::End(Ending::Panicked)),
            Wake::Facts => return Ok(Next::Go),
            Wake::Told(msg) => self.tell(*msg),
        }
        Ok(Next::Draw)
    }

    fn hear_terminal(&mut self, event: Event, input: &Input) -> io::Result<Next> {
        let Some(msg) = convert::message(event) else { return Ok(Next::Go) };
        for effect in self.update(msg) {
            match effect {
                Effect::Quit => return Ok(Next::End(Ending::Left)),
                Effect::Suspend => self.suspend(input)?,
                effect => self.perform(effect)?,
            }
        }
        Ok(Next::Draw)
    }

    /// Tells the core something that no key did.
    fn tell(&mut self, msg: Msg) {
        for effect in self.update(msg) {
            // A terminal that is gone is noticed by the next frame.
            let _ = self.perform(effect);
        }
    }

    /// Runs the core; what it wishes of the running parts is handed on, the rest is returned.
    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let effects = app::update(&mut self.state, &self.env, msg);
        effects.into_iter().filter_map(|effect| hand(self.running.as_ref(), &self.waker, effect)).collect()
    }

    fn perform(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Copy(text) => self.guard.write(convert::clipboard(&text).as_bytes())?,
            Effect::Bell => self.guard.write(b"\x07")?,
            Effect::Theme(name) => match (self.load)(&name) {
                Ok(theme) => self.theme = theme,
                Err(error) => tracing::warn!("{error}"),
            },
            Effect::Redraw => self.painter.forget(),
            // The other wishes have been handed on.
            Effect::Quit
            | Effect::Suspend
            | Effect::Look { .. }
            | Effect::Measure { .. }
            | Effect::Chart(_)
            | Effect::Reconnect(_)
            | Effect::Act(_)
            | Effect::Guard(_)
            | Effect::Review(_)
            | Effect::ReadLedger
            | Effect::Trust(_)
            | Effect::SettleTicket { .. }
            | Effect::Open(_)
            | Effect::Inspect { .. } => {}
        }
        Ok(())
    }

    /// Gives the terminal back to the shell until it is wanted again.
    fn suspend(&mut self, input: &Input) -> io::Result<()> {
        let parked = input.park();
        self.guard.leave();
        let stopped = super::signals::stop();
        self.guard.enter_again()?;
        drop(parked);
        self.painter.forget();
        self.follow_size();
        stopped
    }

    fn follow_size(&mut self) {
        let size = size();
        self.update(Msg::Resize { columns: size.width, rows: size.height });
    }

    /// Hands new lines of the log to the core, while they are shown.
    fn follow_log(&mut self) {
        let total = self.log.total();
        if self.state.screen == Screen::Log && total != self.logged {
            self.logged = total;
            let lines = self.log.lines(LOG_LINES);
            self.update(Msg::Log(lines));
        }
    }
}

//! What the system wants of the process: to end, to stop for a while, to follow the terminal's size.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Wake;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To end, as if somebody had pressed Ctrl-C.
    Leave,
    /// To end because of this signal.
    End(i32),
    /// To stop until it is continued.
    Suspend,
    /// To look how large the terminal is now.
    Resize,
}

/// Listens for signals on a thread of its own, for as long as the process lives.
pub(super) fn listen(wakes: Sender<Wake>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH])?;
    thread::Builder::new().name("signals".to_owned()).stack_size(128 << 10).spawn(move || {
        for signal in &mut signals {
            let wish = match signal {
                SIGTSTP => Wish::Suspend,
                SIGWINCH => Wish::Resize,
                SIGINT => Wish::Leave,
                signal => Wish::End(signal),
            };
            if wakes.send(Wake::Signal(wish)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Stops the process, as Ctrl-Z does; returns when it is continued.
pub(super) fn stop() -> io::Result<()> {
    emulate_default_handler(SIGTSTP)
}

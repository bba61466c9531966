//! The thread that listens to the keyboard. It can be parked, so that another program gets every key.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Wake;

/// How long it listens before it looks whether it is to park or to end.
const LISTEN: Duration = Duration::from_millis(500);
/// Keys are decoded here and nothing else.
const STACK: usize = 256 << 10;

/// The listening thread; dropping it lets the thread end.
pub(super) struct Input {
    ended: Arc<AtomicBool>,
    /// Held by the thread while it listens, and by whoever parks it.
    listening: Arc<Mutex<()>>,
    wanted: Arc<AtomicBool>,
}

/// While this lives the thread does not listen.
pub(super) struct Parked<'a> {
    input: &'a Input,
    _listening: std::sync::MutexGuard<'a, ()>,
}

impl Input {
    /// Starts listening.
    pub(super) fn start(wakes: Sender<Wake>) -> io::Result<Self> {
        let input = Self { ended: Arc::default(), listening: Arc::default(), wanted: Arc::default() };
        let (ended, listening, wanted) = (Arc::clone(&input.ended), Arc::clone(&input.listening), Arc::clone(&input.wanted));
        thread::Builder::new().name("keyboard".to_owned()).stack_size(STACK).spawn(move || {
            while !ended.load(Ordering::Acquire) {
                if wanted.load(Ordering::Acquire) {
                    // Whoever parks us takes the lock now; let them.
                    thread::sleep(Duration::from_millis(1));
                }
                let _listening = listening.lock().unwrap_or_else(PoisonError::into_inner);
                let heard = match crossterm::event::poll(LISTEN) {
                    Ok(false) => continue,
                    Ok(true) => crossterm::event::read().map_or(Wake::Vanished, Wake::Input),
                    Err(_) => Wake::Vanished,
                };
                let over = matches!(heard, Wake::Vanished);
                if wakes.send(heard).is_err() || over {
                    return;
                }
            }
        })?;
        Ok(input)
    }

    /// Parks the thread; returns when it has stopped listening, half a second later at most.
    pub(super) fn park(&self) -> Parked<'_> {
        self.wanted.store(true, Ordering::Release);
        Parked { input: self, _listening: self.listening.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.input.wanted.store(false, Ordering::Release);
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
    }
}

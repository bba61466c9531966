//! What goes on after an act has ended: an Event, an annotation, a message. Kept track of, so that a command does not end before.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

/// Tasks that nobody waits for but the end of a process.
#[derive(Debug, Default)]
pub(crate) struct Trailing(Mutex<Vec<JoinHandle<()>>>);

impl Trailing {
    /// Adds one.
    pub(super) fn follow(&self, task: JoinHandle<()>) {
        let mut tasks = self.tasks();
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// Waits for all that there are now.
    pub(super) async fn done(&self) {
        let tasks = std::mem::take(&mut *self.tasks());
        for task in tasks {
            // A task that was cancelled or failed has nothing more to do either.
            let _ = task.await;
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! How a server is doing, as all the polls of its environment found it together.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::trouble::Trouble;
use crate::domain::fact::{MetricsNews, News};
use crate::domain::signal::MetricsLink;
use crate::source::Post;

/// Which poll it is that found something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// That of the grouped queries.
    Fleet,
    /// That of the targets.
    Targets,
}

/// How a server is doing.
pub struct Standing {
    post: Post,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    down: Option<Timestamp>,
    said: Option<Box<str>>,
    /// Whether all rollouts were asked for at once: before that, that there is no sample is too early to say.
    complete: bool,
    /// The newest sample that each poll found.
    sampled: [Option<Timestamp>; 2],
}

impl Standing {
    /// Nothing is known.
    pub fn new(post: Post) -> Self {
        post.put(News::Metrics(MetricsNews::Link(MetricsLink::Connecting)));
        Self { post, known: Mutex::default() }
    }

    /// A poll went well.
    pub fn up(&self, poll: Poll, at: Timestamp, millis: u32, sampled: Option<Timestamp>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.down.take().is_some() {
            known.said = None;
            tracing::info!("the metrics server answers again");
        }
        if let Some(slot) = known.sampled.get_mut(poll as usize) {
            *slot = sampled;
        }
        known.complete |= poll == Poll::Fleet;
        let sampled = known.sampled.iter().flatten().max().copied();
        if sampled.is_none() && !known.complete {
            return;
        }
        self.post.put(News::Metrics(MetricsNews::Link(MetricsLink::Up { at, millis, sampled })));
    }

    /// A poll had no answer.
    pub fn down(&self, at: Timestamp, trouble: &Trouble) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *known.down.get_or_insert(at);
        let reason: Box<str> = trouble.to_string().into();
        if known.said.as_ref() != Some(&reason) {
            tracing::warn!("the metrics server does not answer: {reason}");
            known.said = Some(reason.clone());
        }
        self.post.put(News::Metrics(MetricsNews::Link(MetricsLink::Down { since, reason })));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::id::EnvironmentId;
    use crate::source::Mailbox;

    #[test]
    fn it_is_down_since_it_first_was_and_up_with_the_newest_sample() {
        let mailbox = Arc::new(Mailbox::new(|| {}));
        let standing = Standing::new(Post::new(Arc::clone(&mailbox), EnvironmentId(0)));
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let said = || match mailbox.take(9).pop().unwrap().news {
            News::Metrics(MetricsNews::Link(link)) => link,
            other => panic!("{other:?}"),
        };
        assert_eq!(said(), MetricsLink::Connecting);
        standing.down(at(1), &Trouble::down("a"));
        standing.down(at(2), &Trouble::down("b"));
        assert_eq!(said(), MetricsLink::Down { since: at(1), reason: "b".into() });
        standing.up(Poll::Targets, at(2), 8, None);
        assert!(mailbox.take(9).is_empty(), "what the grouped queries find is still to come");
        standing.up(Poll::Fleet, at(3), 7, Some(at(2)));
        standing.up(Poll::Targets, at(4), 8, Some(at(1)));
        assert_eq!(said(), MetricsLink::Up { at: at(4), millis: 8, sampled: Some(at(2)) });
        standing.down(at(5), &Trouble::down("c"));
        assert_eq!(said(), MetricsLink::Down { since: at(5), reason: "c".into() });
    }
}

//! What a typed text finds. Commands and releases are looked for apart, for every way in which the text can be split between them, so
//! that ten thousand releases and every command cost a few passes over the names and never their product.

use std::cmp::Reverse;
use std::collections::HashSet;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::{Choice, MOST, TICKET, What, is_offered};
use crate::app::cluster::Rank;
use crate::app::state::{Env, State};
use crate::domain::action::Verb;
use crate::domain::id::Key;
use crate::domain::ledger::LedgerAct;
use crate::input::{COMMANDS, Command};

/// Ways in which a text is split between a command and a release, at most.
const SPLITS: usize = 3;
/// Commands that are combined with releases, of one split.
const COMBINED: usize = 6;

/// The best choices for a text, and whether there are more.
pub(super) fn search(state: &State, env: &Env, text: &str) -> (Vec<Choice>, bool) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut search = Search::new(state);
    match words.as_slice() {
        [] => search.everything(),
        [first, ticket, of @ ..] if is_ticket(first) => search.tickets(ticket, of),
        _ => search.words(env, &words),
    }
    search.finish()
}

fn is_ticket(word: &str) -> bool {
    word.eq_ignore_ascii_case(TICKET)
}

/// Something found: how well, of which sort, and by which patterns. Put into words only if it is among the best.
struct Found {
    score: u32,
    sort: Sort,
    what: What,
    /// The pattern that found a command, and the one that found a name; places among those of the search.
    by: [Option<usize>; 2],
}

/// What goes first among what fits equally well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Command,
    Both,
    Release,
    Other,
}

/// A command and how it is put into words with a release.
#[derive(Clone, Copy)]
struct Phrase {
    command: Command,
    head: &'static str,
    tail: &'static str,
}

impl Phrase {
    fn of(command: Command) -> Self {
        let short = command.entry().short;
        let (head, tail) = match command.verb() {
            Some(_) if command == Command::Override => ("override gates of", ""),
            Some(Verb::PromoteFull) => ("promote", " to 100 %"),
            Some(verb) => (verb.words(), ""),
            None if command.takes_release() => (short.strip_suffix(" it").unwrap_or(short), ""),
            None => (short, ""),
        };
        Self { command, head, tail }
    }

    /// The words with the name of a release; without one, as in the footer.
    fn title(&self, on: Option<&Key>) -> String {
        match on {
            Some(key) => format!("{} {}{}", self.head, key.name, self.tail),
            None if self.command.verb().is_some() => format!("{} …{}", self.head, self.tail),
            None => self.command.entry().short.to_owned(),
        }
    }
}

struct Search<'a> {
    state: &'a State,
    finder: Finder,
    patterns: Vec<Pattern>,
    found: Vec<Found>,
}

impl<'a> Search<'a> {
    fn new(state: &'a State) -> Self {
        Self { state, finder: Finder::new(), patterns: Vec::new(), found: Vec::new() }
    }

    /// Without a text: every command, those about the selected release first.
    fn everything(&mut self) {
        let all = COMMANDS.iter().map(|entry| entry.command).filter(|command| is_offered(*command));
        let (about, others): (Vec<_>, Vec<_>) = all.partition(|command| command.takes_release());
        for (place, command) in about.into_iter().chain(others).enumerate() {
            self.in_order(place, What::Run(command, self.subject(command)));
        }
    }

    /// The release that a command alone is about.
    fn subject(&self, command: Command) -> Option<Key> {
        self.state.subject().cloned().filter(|_| command.takes_release())
    }

    /// Finds something at a place of a list that has its own order.
    fn in_order(&mut self, place: usize, what: What) {
        let score = u32::MAX - u32::try_from(place).unwrap_or_default();
        self.found.push(Found { score, sort: Sort::Command, what, by: [None; 2] });
    }

    fn words(&mut self, env: &Env, words: &[&str]) {
        let whole = pattern(words);
        let by = Some(self.keep(&whole));
        for (phrase, score) in self.commands(&whole, true) {
            let what = What::Run(phrase.command, self.subject(phrase.command));
            self.found.push(Found { score, sort: Sort::Command, what, by: [by, None] });
        }
        for (key, score) in self.releases(&whole, words) {
            self.found.push(Found { score, sort: Sort::Release, what: What::Open(key.clone()), by: [None, by] });
        }
        self.others(env, &whole, by);
        for split in (1..words.len()).take(SPLITS) {
            let (front, back) = words.split_at_checked(split).unwrap_or((words, &[]));
            self.combined(front, back);
            self.combined(back, front);
        }
    }

    /// Commands in one part of the text, releases in the other.
    fn combined(&mut self, command: &[&str], release: &[&str]) {
        let (said, named) = (pattern(command), pattern(release));
        let mut phrases: Vec<_> =
            self.commands(&said, false).into_iter().filter(|(phrase, _)| phrase.command.takes_release()).collect();
        if phrases.is_empty() {
            return;
        }
        phrases.sort_by_key(|(_, score)| Reverse(*score));
        let by = [Some(self.keep(&said)), Some(self.keep(&named))];
        let releases = self.releases(&named, release);
        for (phrase, spoken) in phrases.into_iter().take(COMBINED) {
            self.found.extend(releases.iter().map(|(key, score)| Found {
                score: spoken + score,
                sort: Sort::Both,
                what: What::Run(phrase.command, Some((*key).clone())),
                by,
            }));
        }
    }

    /// Keeps a pattern; gives its place.
    fn keep(&mut self, pattern: &Pattern) -> usize {
        self.patterns.push(pattern.clone());
        self.patterns.len() - 1
    }

    /// Commands that a pattern finds, by what they are called, else by what they do if that is asked for.
    fn commands(&mut self, pattern: &Pattern, by_deed: bool) -> Vec<(Phrase, u32)> {
        let exact = substring(pattern);
        let offered = COMMANDS.iter().filter(|entry| is_offered(entry.command));
        let mut found = Vec::new();
        for entry in offered {
            let phrase = Phrase::of(entry.command);
            let called = [phrase.head, entry.short].into_iter().filter_map(|name| self.finder.score(pattern, name)).max();
            // What the command line calls it, and what it does: in one piece, as every letter is somewhere in so many words.
            let verb = entry.command.verb().filter(|_| entry.command != Command::Override).map_or("", |verb| verb.name());
            let called = called.or_else(|| self.finder.score(&exact, verb));
            let does = if by_deed { entry.words } else { "" };
            let score = called.or_else(|| self.finder.score(&exact, does).map(|score| score / 3));
            found.extend(score.map(|score| (phrase, score)));
        }
        found
    }

    /// The releases that a pattern finds best. With a `/` in it, in namespace and name.
    fn releases(&mut self, pattern: &Pattern, words: &[&str]) -> Vec<(&'a Key, u32)> {
        let spaced = words.iter().any(|word| word.contains('/'));
        let mut whole = String::new();
        let mut found = Vec::new();
        for (key, glance) in self.state.environment().cluster.glances() {
            let name = if spaced {
                whole.clear();
                whole.extend([&*key.namespace, "/", &*key.name]);
                &whole
            } else {
                &*key.name
            };
            if let Some(score) = self.finder.score(pattern, name) {
                found.push((Reverse(score), glance.rank, key));
            }
        }
        let order = |a: &(Reverse<u32>, Rank, &Key), b: &(Reverse<u32>, Rank, &Key)| {
            let names = || a.2.name.cmp(&b.2.name).then_with(|| a.2.cmp(b.2));
            (a.0, a.1).cmp(&(b.0, b.1)).then_with(names)
        };
        if found.len() > MOST + 1 {
            found.select_nth_unstable_by(MOST + 1, order);
            found.truncate(MOST + 1);
        }
        found.sort_unstable_by(order);
        found.into_iter().map(|(Reverse(score), _, key)| (key, score)).collect()
    }

    /// Environments and themes.
    fn others(&mut self, env: &Env, pattern: &Pattern, by: Option<usize>) {
        let shown = self.state.shown;
        let environments = self.state.environments.iter().map(|one| What::Environment(one.id));
        let themes = env.themes.iter().filter(|theme| **theme != self.state.theme).map(|theme| What::Theme(theme.clone()));
        for what in environments.filter(|what| *what != What::Environment(shown)).chain(themes).collect::<Vec<_>>() {
            if let Some(score) = self.finder.score(pattern, &self.title(&what)) {
                self.found.push(Found { score, sort: Sort::Other, what, by: [by, None] });
            }
        }
    }

    /// The acts that owe a ticket, the newest first; of those named, if something is.
    fn tickets(&mut self, ticket: &str, of: &[&str]) {
        let named = pattern(of);
        let acts: Vec<&LedgerAct> = self.state.ledger.view().owed_tickets().collect();
        for (place, act) in acts.into_iter().enumerate() {
            let is_named = of.is_empty() || matches!(of, [id] if act.act.starts_with(id));
            if is_named || self.finder.score(&named, &act.object.name).is_some() {
                self.in_order(place, What::Settle { act: act.act.clone(), ticket: ticket.to_owned() });
            }
        }
        if self.found.is_empty() {
            self.in_order(0, What::Run(Command::Ticket, None));
        }
    }

    /// What something is called.
    fn title(&self, what: &What) -> String {
        match what {
            What::Run(command, on) => Phrase::of(*command).title(on.as_ref()),
            What::Open(key) => key.name.to_string(),
            What::Environment(id) => {
                let environment = self.state.environments.get(usize::from(id.0));
                format!("environment {}", environment.map_or("", |environment| &environment.settings.name))
            }
            What::Theme(theme) => format!("theme {theme}"),
            What::Settle { act, ticket } => {
                let act = self.state.ledger.view().act(act);
                let about = act.map(|act| format!(" for {} {}", act.words(), act.object.name)).unwrap_or_default();
                format!("{TICKET} {ticket}{about}")
            }
        }
    }

    /// The letters of a title that were typed.
    fn typed(&mut self, found: &Found, title: &str) -> Vec<u32> {
        let get = |place: Option<usize>| place.and_then(|place| self.patterns.get(place)).cloned();
        match (&found.what, get(found.by[0]), get(found.by[1])) {
            (What::Run(command, Some(key)), Some(said), Some(named)) => {
                let head = Phrase::of(*command).head;
                let start = u32::try_from(head.len() + 1).unwrap_or_default();
                let mut typed = self.finder.places(&said, head);
                typed.extend(self.finder.places(&named, &key.name).into_iter().map(|place| place + start));
                typed
            }
            (_, Some(one), _) | (_, None, Some(one)) => self.finder.places(&one, title),
            (_, None, None) => Vec::new(),
        }
    }

    /// The best, each once, in words.
    fn finish(mut self) -> (Vec<Choice>, bool) {
        let mut found = std::mem::take(&mut self.found);
        let name = |what: &What| match what {
            What::Run(_, Some(key)) | What::Open(key) => Some((key.name.len(), key.clone())),
            What::Run(_, None) | What::Environment(_) | What::Theme(_) | What::Settle { .. } => None,
        };
        found.sort_by_cached_key(|found| (Reverse(found.score), found.sort, name(&found.what)));
        let mut known = HashSet::new();
        found.retain(|found| known.insert(found.what.clone()));
        let more = found.len() > MOST;
        found.truncate(MOST);
        let choices = found.into_iter().map(|found| {
            let title = self.title(&found.what);
            let typed = self.typed(&found, &title);
            Choice { what: found.what, title, typed }
        });
        (choices.collect(), more)
    }
}

/// Finds letters in their order, anywhere in a text, without minding case or accents.
fn pattern(words: &[&str]) -> Pattern {
    Pattern::new(&words.join(" "), CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy)
}

/// The same words, but each in one piece: a sentence has every letter somewhere.
fn substring(pattern: &Pattern) -> Pattern {
    let mut exact = pattern.clone();
    for atom in &mut exact.atoms {
        atom.kind = AtomKind::Substring;
    }
    exact
}

/// The matcher with its room.
struct Finder {
    matcher: Matcher,
    letters: Vec<char>,
}

impl Finder {
    fn new() -> Self {
        let mut config = Config::DEFAULT;
        config.prefer_prefix = true;
        Self { matcher: Matcher::new(config), letters: Vec::new() }
    }

    /// How well a pattern fits; None if it does not.
    fn score(&mut self, pattern: &Pattern, text: &str) -> Option<u32> {
        pattern.score(Utf32Str::new(text, &mut self.letters), &mut self.matcher)
    }

    /// Which letters (graphemes) of a text the pattern means.
    fn places(&mut self, pattern: &Pattern, text: &str) -> Vec<u32> {
        let mut places = Vec::new();
        if pattern.indices(Utf32Str::new(text, &mut self.letters), &mut self.matcher, &mut places).is_none() {
            places.clear();
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

//! Many questions in one request: each query gets a label of its own, and `or` joins them. A server that refuses the whole is asked one by
//! one, so that one bad query costs nothing but itself.

use futures::StreamExt;
use futures::stream;

use super::answer::{Answer, Labels, query};
use super::server::Server;
use super::trouble::Trouble;

/// Label that tells the answers apart.
const LABEL: &str = "pilothouse_query";
/// Questions at once.
const ABREAST: usize = 4;
/// Longest answer to one request, in bytes.
const LARGEST: usize = 16 << 20;

/// A query, and whether it returns a number without labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// PromQL without variables.
    pub text: Box<str>,
    /// Whether it is of the type scalar.
    pub scalar: bool,
    /// Whether nobody here understands it: then it cannot be joined with others.
    pub alone: bool,
}

/// About when is asked, by the server's clock in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// One moment; None is the server's now.
    At(Option<f64>),
    /// From, until, and the step.
    Over(i64, i64, u32),
}

/// What came of one query: its series, or what the server has against it.
pub type Said = Result<Vec<(Labels, Vec<(f64, f64)>)>, Box<str>>;

/// What came of many.
pub struct Heard {
    /// In the order of the questions.
    pub said: Vec<Said>,
    /// Warnings and infos, each once.
    pub notes: Vec<Box<str>>,
    /// How long the slowest request took, in milliseconds.
    pub millis: u32,
}

/// Asks all of them. That the server is away is an error; that it refuses some of them is part of what was heard.
pub async fn ask(server: &Server, asks: &[Ask], when: When) -> Result<Heard, Trouble> {
    let mut heard = Heard { said: vec![Ok(Vec::new()); asks.len()], notes: Vec::new(), millis: 0 };
    let mut single: Vec<usize> = Vec::new();
    let mut parted = false;
    let longest = if server.singly() { 0 } else { server.longest_query() };
    for places in chunks(asks, longest) {
        if let [one] = &*places {
            single.push(*one);
            continue;
        }
        match send(server, &joined(asks, &places), when).await {
            Ok((answer, millis)) => {
                heard.take(millis, &answer.notes);
                for (labels, values) in answer.series {
                    heard.sort_in(labels, values);
                }
            }
            Err(Trouble::Refused(_)) => {
                parted = true;
                single.extend(places);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    let mut answers = stream::iter(single)
        .map(|place| async move {
            let text = asks.get(place).map(|ask| ask.text.to_string()).unwrap_or_default();
            (place, send(server, &text, when).await)
        })
        .buffered(ABREAST);
    while let Some((place, answer)) = answers.next().await {
        let said = match answer {
            Ok((answer, millis)) => {
                heard.take(millis, &answer.notes);
                Ok(answer.series)
            }
            Err(Trouble::Refused(text)) => Err(text),
            Err(trouble) => return Err(trouble),
        };
        if let Some(slot) = heard.said.get_mut(place) {
            *slot = said;
        }
    }
    if parted && heard.said.iter().all(Result::is_ok) {
        // It was not the queries: it was that they were joined.
        server.part();
    }
    Ok(heard)
}

impl Heard {
    fn take(&mut self, millis: u32, notes: &[Box<str>]) {
        self.millis = self.millis.max(millis);
        for note in notes {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
    }

    fn sort_in(&mut self, mut labels: Labels, values: Vec<(f64, f64)>) {
        let place = labels.remove(LABEL).and_then(|place| place.parse::<usize>().ok());
        if let Some(Ok(series)) = place.and_then(|place| self.said.get_mut(place)) {
            series.push((labels, values));
        }
    }
}

/// Places of queries that go into one request.
fn chunks(asks: &[Ask], longest: usize) -> Vec<Vec<usize>> {
    let mut chunks: Vec<Vec<usize>> = Vec::new();
    let mut open: Option<(usize, Vec<usize>)> = None;
    for (place, ask) in asks.iter().enumerate() {
        if ask.alone {
            chunks.push(vec![place]);
            continue;
        }
        let length = ask.text.len() + 60;
        match &mut open {
            Some((used, places)) if *used + length <= longest => {
                *used += length;
                places.push(place);
            }
            _ => {
                chunks.extend(open.take().map(|(_, places)| places));
                open = Some((length, vec![place]));
            }
        }
    }
    chunks.extend(open.map(|(_, places)| places));
    chunks
}

fn joined(asks: &[Ask], places: &[usize]) -> String {
    let one = |place: &usize| {
        let ask = asks.get(*place)?;
        let text = if ask.scalar { format!("vector({})", ask.text) } else { format!("({})", ask.text) };
        Some(format!("label_replace({text}, \"{LABEL}\", \"{place}\", \"\", \"\")"))
    };
    places.iter().filter_map(one).collect::<Vec<_>>().join(" or ")
}

/// Sends one query.
pub async fn send(server: &Server, text: &str, when: When) -> Result<(Answer, u32), Trouble> {
    let timeout = format!("{}ms", server.settings().timeout.as_millis());
    let mut parameters = vec![("query", text.to_owned()), ("timeout", timeout)];
    let path = match when {
        When::At(moment) => {
            parameters.extend(moment.map(|moment| ("time", format!("{moment:.3}"))));
            "/api/v1/query"
        }
        When::Over(start, end, step) => {
            parameters.extend([("start", start.to_string()), ("end", end.to_string()), ("step", step.to_string())]);
            "/api/v1/query_range"
        }
    };
    let reply = server.query(path, &parameters, LARGEST).await?;
    Ok((query(&reply.body)?, reply.millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(texts: &[&str]) -> Vec<Ask> {
        texts.iter().map(|text| Ask { text: (*text).into(), scalar: *text == "1", alone: text.starts_with('?') }).collect()
    }

    #[test]
    fn queries_are_joined_as_long_as_they_fit() {
        let asks = asks(&["a", "1", "?", "b"]);
        assert_eq!(chunks(&asks, 1000), [vec![2], vec![0, 1, 3]]);
        assert_eq!(chunks(&asks, 130), [vec![2], vec![0, 1], vec![3]].into_iter().collect::<Vec<_>>());
        assert_eq!(
            joined(&asks, &[0, 1]),
            "label_replace((a), \"pilothouse_query\", \"0\", \"\", \"\") or label_replace(vector(1), \"pilothouse_query\", \"1\", \"\", \"\")"
        );
        crate::domain::signal::Query::read(&joined(&asks, &[0, 1, 3])).unwrap();
    }
}

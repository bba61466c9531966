//! What the controller judges by: the AnalysisTemplates that the rollouts name which are looked at closely. They change seldom, and are read
//! and not watched; who may not read them is no worse off.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::ACCEPT;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::exchange::{PATIENCE, ask, read};
use super::fault::{Cause, Fault};
use super::link::Link;
use crate::domain::fact::{MetricsNews, News};
use crate::domain::id::{Key, Kind};
use crate::domain::signal::analysis_template::{Analysis, Reference, Understood, analyses, references, understand};
use crate::source::{Subject, Wish};

/// How long what was read counts.
const FRESH: Duration = Duration::from_mins(1);
/// Most templates that are read for one rollout, those that others name among them.
const MOST: usize = 24;
/// A selection that moves through a list should not begin reads for every row it passes.
const SETTLING: Duration = Duration::from_millis(500);
/// Path of everything that is read here.
const GROUP: &str = "/apis/argoproj.io/v1alpha1";

/// Templates that were read, or why they were not.
type Known = HashMap<Reference, Result<Value, &'static str>>;

/// The reads of one connection.
pub struct Templates {
    link: Arc<Link>,
    wish: watch::Receiver<Wish>,
    /// When each rollout was read, and what it said.
    known: HashMap<Key, (Instant, Arc<Understood>)>,
}

impl Templates {
    /// Nothing is read yet.
    pub fn new(link: Arc<Link>, wish: watch::Receiver<Wish>) -> Self {
        Self { link, wish, known: HashMap::new() }
    }

    /// Reads until it is dropped.
    pub async fn run(mut self) {
        loop {
            sleep(SETTLING).await;
            let subjects = self.wish.borrow_and_update().subjects.clone();
            self.known.retain(|key, _| subjects.iter().any(|subject| subject.key == *key));
            for subject in subjects.iter().filter(|subject| subject.key.kind == Kind::Rollout) {
                if self.known.get(&subject.key).is_none_or(|(since, _)| since.elapsed() > FRESH) {
                    self.look(subject).await;
                }
            }
            tokio::select! {
                () = sleep(FRESH) => {}
                changed = self.wish.changed() => if changed.is_err() {
                    // Nobody wishes anything any more: the connection ends, and this with it.
                    std::future::pending::<()>().await;
                },
            }
        }
    }

    /// Reads the templates of one rollout, and says so if they are others than before.
    async fn look(&mut self, subject: &Subject) {
        let understood = match self.read(&subject.key).await {
            Ok(understood) => Arc::new(understood),
            Err(fault) => {
                tracing::debug!("{}: its analysis templates cannot be read: {}", subject.key, fault.line());
                return;
            }
        };
        let before = self.known.insert(subject.key.clone(), (Instant::now(), Arc::clone(&understood)));
        if before.is_none_or(|(_, before)| before != understood) {
            for odd in &understood.odd {
                tracing::info!("{}: not taken as a signal: {odd}", subject.key);
            }
            self.link.post.put(News::Metrics(MetricsNews::Templates(subject.key.clone(), understood)));
        }
    }

    async fn read(&self, key: &Key) -> Result<Understood, Fault> {
        let rollout = self.get(&format!("{GROUP}/namespaces/{}/rollouts/{}", key.namespace, key.name)).await?;
        let mut all = Understood::default();
        let mut known = Known::new();
        for analysis in analyses(&rollout) {
            let templates = self.templates(key, &analysis, &mut known, &mut all).await?;
            all.add(understand(&analysis, &templates, &rollout));
        }
        Ok(all)
    }

    /// The templates of an analysis with those that they name: each once, whoever names it, so that going round in circles ends.
    async fn templates(
        &self,
        key: &Key,
        analysis: &Analysis,
        known: &mut Known,
        all: &mut Understood,
    ) -> Result<Vec<(Reference, Value)>, Fault> {
        let mut wanted = analysis.templates.clone();
        let mut found = Vec::new();
        let mut place = 0;
        while let Some(reference) = wanted.get(place).cloned() {
            place += 1;
            if !known.contains_key(&reference) {
                let template = if known.len() < MOST { self.template(key, &reference).await? } else { Err("there are too many") };
                known.insert(reference.clone(), template);
            }
            match known.get(&reference) {
                Some(Ok(template)) => {
                    let further = template.get("spec").map(references).unwrap_or_default();
                    wanted.extend(further.into_iter().filter(|one| !wanted.contains(one)).collect::<Vec<_>>());
                    found.push((reference, template.clone()));
                }
                Some(Err(why)) => all.note(format!("all of {}: {why}", reference.name)),
                None => {}
            }
        }
        Ok(found)
    }

    /// One that is not there, or not for us, leaves the others.
    async fn template(&self, key: &Key, reference: &Reference) -> Result<Result<Value, &'static str>, Fault> {
        match self.get(&path(reference, key)).await {
            Ok(template) => Ok(Ok(template)),
            Err(Fault { cause: Cause::Missing, .. }) => Ok(Err("it is not there")),
            Err(Fault { cause: Cause::Forbidden, .. }) => Ok(Err("it may not be read")),
            Err(fault) => Err(fault),
        }
    }

    async fn get(&self, path: &str) -> Result<Value, Fault> {
        let request = Request::get(path).header(ACCEPT, "application/json").body(Vec::new());
        let request = request.map_err(|error| Fault::new(Cause::Refused, &error.to_string()))?;
        let body = read(ask(&self.link.client, request, PATIENCE).await?).await?;
        serde_json::from_slice(&body).map_err(|error| Fault::new(Cause::Garbled, &error.to_string()))
    }
}

fn path(template: &Reference, key: &Key) -> String {
    if template.cluster {
        return format!("{GROUP}/clusteranalysistemplates/{}", template.name);
    }
    format!("{GROUP}/namespaces/{}/analysistemplates/{}", key.namespace, template.name)
}

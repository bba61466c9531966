//! What all objects have: metadata, labels, owners.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Unexpected, Visitor};

/// A short text: up to 24 bytes, as most names, words and hashes have, it takes no memory of its own. There are hundreds of thousands.
pub type Word = compact_str::CompactString;

/// The part of `metadata` that is kept. `managedFields` and the like are dropped on arrival.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// Unique id of this very object; another one of the same name has another.
    pub uid: Arc<str>,
    /// Opaque version; compare for equality only.
    pub resource_version: Word,
    /// Rises with every change of the spec.
    pub generation: i64,
    /// When it was created, by the cluster's clock.
    pub creation_timestamp: Option<Timestamp>,
    /// When its deletion was asked for.
    pub deletion_timestamp: Option<Box<Timestamp>>,
    /// Labels.
    pub labels: Pairs,
    /// The annotations that Pilothouse knows, see [`is_known_annotation`].
    #[serde(deserialize_with = "known_annotations")]
    pub annotations: Pairs,
    /// Owners.
    #[serde(deserialize_with = "tight")]
    pub owner_references: Box<[Owner]>,
}

/// One entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    /// Kind of the owner.
    pub kind: Word,
    /// Name of the owner.
    pub name: Word,
    /// Uid of the owner.
    pub uid: Box<str>,
    /// Whether this owner is the managing controller.
    pub controller: bool,
}

impl Meta {
    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key)
    }

    /// Shares with what the object was before what has not changed since: while thousands change, memory stays in one piece.
    pub fn keep(&mut self, before: &Self) {
        keep(&mut self.namespace, &before.namespace);
        keep(&mut self.name, &before.name);
        keep(&mut self.uid, &before.uid);
        keep(&mut self.labels.0, &before.labels.0);
        keep(&mut self.annotations.0, &before.annotations.0);
    }

    /// The owner that controls this object.
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

/// A number or a text, as Kubernetes' `IntOrString`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IntOrString {
    /// A plain number.
    Int(i64),
    /// A text such as `25%` or `10m`.
    Text(Box<str>),
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(IntOrStringVisitor)
    }
}

struct IntOrStringVisitor;

impl Visitor<'_> for IntOrStringVisitor {
    type Value = IntOrString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a text")
    }

    fn visit_i64<E>(self, number: i64) -> Result<IntOrString, E> {
        Ok(IntOrString::Int(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<IntOrString, E> {
        let number = i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(IntOrString::Int(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<IntOrString, E> {
        Ok(IntOrString::Text(text.into()))
    }
}

/// A label selector as the API has it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    match_labels: Pairs,
    match_expressions: Vec<Requirement>,
}

/// One entry of `matchExpressions`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Requirement {
    key: Word,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    operator: Word,
    values: Vec<Word>,
}

/// Reads a label selector into its text form.
pub(super) fn selector<'de, D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
    let selector = Selector::deserialize(from)?;
    let labels = selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().map(|rule| {
        let (key, values) = (&rule.key, rule.values.join(","));
        match &*rule.operator {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_string(),
        }
    });
    Ok(labels.chain(expressions).collect::<Vec<_>>().join(",").into())
}

/// One entry of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Type, such as `Progressing`.
    #[serde(rename = "type")]
    pub kind: Word,
    /// `True`, `False` or `Unknown`.
    pub status: Word,
    /// One word.
    pub reason: Word,
    /// A sentence.
    pub message: Box<str>,
    /// When any of it last changed.
    pub last_update_time: Option<Timestamp>,
    /// When the status last changed.
    pub last_transition_time: Option<Timestamp>,
}

/// What stands between keys and values in [`Pairs`]. No label or annotation has it; one that had it would lose it.
const BETWEEN: char = '\0';

/// A small map of texts, in the order of the API, in one piece of memory: there are tens of thousands of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pairs(Arc<str>);

impl Pairs {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.0.split_terminator(BETWEEN);
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        // The text grows while it is written, and is then copied to a place of its own size.
        let mut all = String::with_capacity(256);
        for (key, value) in pairs {
            add_text(&mut all, key.as_ref());
            add_text(&mut all, value.as_ref());
        }
        Self(all.into())
    }
}

fn add_text(all: &mut String, text: &str) {
    all.extend(text.chars().filter(|character| *character != BETWEEN));
    all.push(BETWEEN);
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(PairsVisitor { keep: |_| true })
    }
}

struct PairsVisitor {
    keep: fn(&str) -> bool,
}

/// A text as it stands in what is read, where it stands there as it is.
#[derive(Deserialize)]
struct Read<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut all = Vec::new();
        while let Some(Read(key)) = map.next_key()? {
            if (self.keep)(&key) {
                let Read(value) = map.next_value()?;
                all.push((key, value));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(all.into_iter().collect())
    }
}

/// Whether an annotation is kept: those of Argo Rollouts, Flagger, GitOps tools, Helm and our own. Others can weigh more than all the rest.
pub fn is_known_annotation(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    key == "scale-down-deadline"
        || ["argoproj.io", "fluxcd.io", "helm.sh", "flagger.app", "pilothouse.dev"].iter().any(|known| domain.ends_with(known))
}

fn known_annotations<'de, D: Deserializer<'de>>(from: D) -> Result<Pairs, D::Error> {
    from.deserialize_map(PairsVisitor { keep: is_known_annotation })
}

/// Reads a list that does not grow.
pub(super) fn tight<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Box<[T]>, D::Error> {
    Vec::deserialize(from).map(exact)
}

/// A list in a piece of memory of its own size: one that is cut to size leaves a hole.
pub(super) fn exact<T>(all: Vec<T>) -> Box<[T]> {
    let mut exact = Vec::with_capacity(all.len());
    exact.extend(all);
    exact.into()
}

/// Makes two that are equal one in memory.
pub(super) fn keep<T: ?Sized + PartialEq>(new: &mut Arc<T>, before: &Arc<T>) {
    if **new == **before {
        new.clone_from(before);
    }
}

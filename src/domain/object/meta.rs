//! What all objects have: metadata, labels, owners.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// The part of `metadata` that is kept. `managedFields` and the like are dropped on arrival.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// Unique id of this very object; another one of the same name has another.
    pub uid: Box<str>,
    /// Opaque version; compare for equality only.
    pub resource_version: Box<str>,
    /// Rises with every change of the spec.
    pub generation: i64,
    /// When it was created, by the cluster's clock.
    pub creation_timestamp: Option<Timestamp>,
    /// When its deletion was asked for.
    pub deletion_timestamp: Option<Timestamp>,
    /// Labels.
    pub labels: Pairs,
    /// The annotations that Pilothouse knows, see [`is_known_annotation`].
    #[serde(deserialize_with = "known_annotations")]
    pub annotations: Pairs,
    /// Owners.
    #[serde(deserialize_with = "tight")]
    pub owner_references: Vec<Owner>,
}

/// One entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    /// Kind of the owner.
    pub kind: Box<str>,
    /// Name of the owner.
    pub name: Box<str>,
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

    /// The owner that controls this object.
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

/// A number or a text, as Kubernetes' `IntOrString`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum IntOrString {
    /// A plain number.
    Int(i64),
    /// A text such as `25%` or `10m`.
    Text(Box<str>),
}

/// A label selector.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// Labels that must be equal.
    pub match_labels: Pairs,
    /// Further conditions.
    pub match_expressions: Vec<Requirement>,
}

/// One entry of `matchExpressions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Requirement {
    /// Label key.
    pub key: Box<str>,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: Box<str>,
    /// Values for `In` and `NotIn`.
    pub values: Vec<Box<str>>,
}

/// One entry of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Type, such as `Progressing`.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// `True`, `False` or `Unknown`.
    pub status: Box<str>,
    /// One word.
    pub reason: Box<str>,
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
pub struct Pairs(Box<str>);

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
        let mut all = String::new();
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

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut all = String::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if (self.keep)(&key) {
                add_text(&mut all, &key);
                add_text(&mut all, &map.next_value::<Cow<'de, str>>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Pairs(all.into()))
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

/// Reads a list without room to grow: what is kept by the ten thousand does not change.
pub(super) fn tight<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    let mut all = Vec::deserialize(from)?;
    all.shrink_to_fit();
    Ok(all)
}

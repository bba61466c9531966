//! Labels of a series, in little room: an answer about ten thousand rollouts has them thirty thousand times. Never sorted: there are a few.

use std::fmt;

use compact_str::CompactString;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Names and values. A name that comes twice counts as it came first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<(CompactString, CompactString)>);

impl Labels {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// Takes a label out.
    pub fn remove(&mut self, name: &str) -> Option<CompactString> {
        let place = self.0.iter().position(|(of, _)| of == name)?;
        Some(self.0.remove(place).1)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Vec::with_capacity(4);
                while let Some(label) = map.next_entry()? {
                    labels.push(label);
                }
                labels.shrink_to_fit();
                Ok(Labels(labels))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl<N: Into<CompactString>, V: Into<CompactString>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        Self(labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_and_taken_out() {
        let mut labels: Labels = serde_json::from_str(r#"{"job":"web","track":"canary"}"#).unwrap();
        assert_eq!((labels.get("job"), labels.get("pod")), (Some("web"), None));
        assert_eq!((labels.remove("job").as_deref(), labels.get("job")), (Some("web"), None));
        assert_eq!(labels, [("track", "canary")].into_iter().collect());
        assert!(serde_json::from_str::<Labels>(r#"{"job":1}"#).is_err());
    }
}

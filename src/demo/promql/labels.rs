//! The labels of a series. Cheap to copy and to strip of the metric's name, because every query does that to thousands.

use std::sync::Arc;

/// A piece of text that many labels share.
pub type Text = Arc<str>;

/// The label that holds the metric's name.
pub const NAME: &str = "__name__";

/// A metric's name and its other labels, sorted by name, none of them empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    name: Option<Text>,
    rest: Arc<[(Text, Text)]>,
}

impl Labels {
    /// Labels from pairs in any order; an empty value is no label, and of one name the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (Text, Text)>) -> Self {
        let mut labels = Self::default();
        let mut rest: Vec<(Text, Text)> = Vec::new();
        for (key, value) in pairs {
            if &*key == NAME {
                labels.name = (!value.is_empty()).then_some(value);
                continue;
            }
            rest.retain(|(known, _)| *known != key);
            if !value.is_empty() {
                rest.push((key, value));
            }
        }
        rest.sort_unstable();
        labels.rest = rest.into();
        labels
    }

    /// Labels of which everything is known to be in order: sorted by name, without the metric's, none empty.
    pub fn sorted(name: Text, rest: Vec<(Text, Text)>) -> Self {
        debug_assert!(rest.is_sorted() && rest.iter().all(|(_, value)| !value.is_empty()));
        Self { name: Some(name), rest: rest.into() }
    }

    /// A label's value; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        if name == NAME {
            return self.name.as_deref().unwrap_or_default();
        }
        self.rest.iter().find(|(key, _)| &**key == name).map_or("", |(_, value)| value)
    }

    /// The metric's name, if it is still there.
    pub fn name(&self) -> Option<&Text> {
        self.name.as_ref()
    }

    /// All labels but the metric's name, sorted.
    pub fn rest(&self) -> &[(Text, Text)] {
        &self.rest
    }

    /// All pairs, the metric's name first.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let name = self.name.as_deref().map(|name| (NAME, name));
        name.into_iter().chain(self.rest.iter().map(|(key, value)| (&**key, &**value)))
    }

    /// The same without the metric's name.
    #[must_use]
    pub fn nameless(&self) -> Self {
        Self { name: None, rest: self.rest.clone() }
    }

    /// Only those of these names.
    #[must_use]
    pub fn only(&self, names: &[String]) -> Self {
        let keep = |name: &str| names.iter().any(|known| known == name);
        let rest = self.rest.iter().filter(|(key, _)| keep(key)).cloned().collect();
        Self { name: self.name.clone().filter(|_| keep(NAME)), rest }
    }

    /// All but those of these names, and without the metric's.
    #[must_use]
    pub fn without(&self, names: &[String]) -> Self {
        let rest = self.rest.iter().filter(|(key, _)| !names.iter().any(|known| **known == **key)).cloned().collect();
        Self { name: None, rest }
    }

    /// The same with another value of one label; an empty one takes it away.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let own = self.name.iter().map(|own| (Text::from(NAME), own.clone()));
        let rest = self.rest.iter().filter(|(key, _)| &**key != name).cloned();
        Self::new(own.chain(rest).chain([(name.into(), value.into())]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.iter().map(|(key, value)| (Text::from(*key), Text::from(*value))))
    }

    #[test]
    fn an_empty_value_is_no_label_and_order_does_not_matter() {
        let one = labels(&[("job", "web"), (NAME, "up"), ("zone", "")]);
        assert_eq!(one, labels(&[(NAME, "up"), ("job", "web")]));
        assert_eq!((one.get("job"), one.get(NAME), one.get("zone")), ("web", "up", ""));
        assert_eq!(one.with("job", ""), labels(&[(NAME, "up")]));
        assert_eq!(one.with(NAME, "down").with("a", "b"), labels(&[(NAME, "down"), ("a", "b"), ("job", "web")]));
    }

    #[test]
    fn grouping_keeps_or_drops() {
        let one = labels(&[(NAME, "up"), ("job", "web"), ("pod", "a")]);
        let names = ["job".to_owned()];
        assert_eq!(one.only(&names), labels(&[("job", "web")]));
        assert_eq!(one.without(&names), labels(&[("pod", "a")]));
        assert_eq!(one.only(&[NAME.to_owned()]), labels(&[(NAME, "up")]));
        assert_eq!(one.nameless(), labels(&[("job", "web"), ("pod", "a")]));
    }
}

//! Lenient decoding: one odd field never costs the object, one odd object never costs the list.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{AnalysisRun, Canary, Event, Experiment, Lease, Meta, Pod, ReplicaSet, Rollout};

/// How many odd fields are left out of one object before it is given up.
const REPAIRS: usize = 32;

/// An object that can say what was odd about it.
pub trait Kept: DeserializeOwned + Default {
    /// Its metadata.
    fn meta(&self) -> &Meta;
    /// Its metadata, to write.
    fn meta_mut(&mut self) -> &mut Meta;
    /// What was odd and left out.
    fn odd(&self) -> Option<&str>;
    /// Says what was odd.
    fn set_odd(&mut self, odd: Box<str>);
}

macro_rules! kept {
    ($($object:ty),*) => {$(
        impl Kept for $object {
            fn meta(&self) -> &Meta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut Meta {
                &mut self.metadata
            }
            fn odd(&self) -> Option<&str> {
                self.odd.as_deref()
            }
            fn set_odd(&mut self, odd: Box<str>) {
                self.odd = Some(odd);
            }
        }
    )*};
}
kept!(Rollout, Canary, ReplicaSet, Pod, AnalysisRun, Experiment, Event, Lease);

/// Decodes JSON text. A field of a wrong type is left out and named in `odd`; `null` counts as absent.
/// Fails only for what is not a JSON object at all.
pub fn decode<T: Kept>(text: &str) -> Result<T, serde_json::Error> {
    match serde_json::from_str(text) {
        Ok(object) => Ok(object),
        Err(_) => Ok(repair(serde_json::from_str(text)?)),
    }
}

/// The same from a value that is parsed already.
pub fn decode_value<T: Kept>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|_| repair(value.clone()))
}

fn repair<T: Kept>(mut value: Value) -> T {
    strip_nulls(&mut value);
    let mut odd = String::new();
    for _ in 0..REPAIRS {
        match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(mut object) => {
                if !odd.is_empty() {
                    object.set_odd(odd.into());
                }
                return object;
            }
            Err(error) => {
                let path = error.path().to_string();
                let separator = if odd.is_empty() { "" } else { "; " };
                let _ = write!(odd, "{separator}{path}: {}", error.inner());
                if !remove(&mut value, error.path()) {
                    break;
                }
            }
        }
    }
    let mut object = T::default();
    let text = |path| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
    object.meta_mut().namespace = text("/metadata/namespace").into();
    object.meta_mut().name = text("/metadata/name").into();
    object.set_odd(odd.into());
    object
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// Takes away what stands at the path, or the nearest thing above it that is there.
fn remove(value: &mut Value, path: &serde_path_to_error::Path) -> bool {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    let mut last = None;
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => break,
        };
        let next = format!("{pointer}/{name}");
        if value.pointer(&next).is_none() {
            break;
        }
        last = Some((pointer, name));
        pointer = next;
    }
    let Some((parent, name)) = last else { return false };
    match value.pointer_mut(&parent) {
        Some(Value::Object(fields)) => fields.remove(&name.replace("~1", "/").replace("~0", "~")).is_some(),
        Some(Value::Array(items)) => name.parse().is_ok_and(|index: usize| {
            let there = index < items.len();
            if there {
                items.remove(index);
            }
            there
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_fields_are_left_out_and_named() {
        let text = r#"{"metadata":{"name":"web","namespace":"shop","labels":null},"spec":{"replicas":"many"},"status":{"conditions":null,"phase":7}}"#;
        let rollout: Rollout = decode(text).unwrap();
        assert_eq!(&*rollout.metadata.name, "web");
        assert_eq!(rollout.spec.replicas, None);
        let odd = rollout.odd.unwrap();
        assert!(odd.contains("spec.replicas") && odd.contains("status.phase") && !odd.contains("labels"), "{odd}");
    }

    #[test]
    fn a_null_is_nothing_odd() {
        let rollout: Rollout = decode(r#"{"metadata":{"name":"web"},"status":{"conditions":null,"canary":null}}"#).unwrap();
        assert_eq!(rollout.odd, None);
    }

    #[test]
    fn what_cannot_be_mended_keeps_its_name() {
        let rollout: Rollout = decode(r#"{"metadata":{"name":"web","namespace":"shop","uid":[]},"spec":[],"status":3}"#).unwrap();
        assert_eq!(&*rollout.metadata.name, "web");
        assert!(rollout.odd.is_some());
        assert!(decode::<Rollout>("[1").is_err());
    }
}

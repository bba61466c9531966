//! The two messages that kubectl sends as protobuf whatever a server says it speaks. Nothing else is read in this form.

use serde_json::{Map, Value};

/// What comes before every protobuf body of Kubernetes; then follows a `runtime.Unknown`.
const MAGIC: &[u8] = b"k8s\0";
/// `runtime.Unknown.raw`.
const RAW: u64 = 2;
/// `spec` of both reviews.
const SPEC: u64 = 2;

/// A self subject access review; none if the body is not protobuf.
pub fn access_review(body: &[u8]) -> Option<Value> {
    let spec = field(field(body.strip_prefix(MAGIC)?, RAW)?, SPEC).unwrap_or_default();
    let mut fields = Map::new();
    if let Some(attributes) = field(spec, 1) {
        let names = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
        fields.insert("resourceAttributes".to_owned(), texts(attributes, &names));
    }
    if let Some(attributes) = field(spec, 2) {
        fields.insert("nonResourceAttributes".to_owned(), texts(attributes, &["path", "verb"]));
    }
    Some(review(fields.into()))
}

/// A self subject rules review; none if the body is not protobuf.
pub fn rules_review(body: &[u8]) -> Option<Value> {
    let spec = field(field(body.strip_prefix(MAGIC)?, RAW)?, SPEC).unwrap_or_default();
    Some(review(texts(spec, &["namespace"])))
}

fn review(spec: Value) -> Value {
    Value::Object(Map::from_iter([("spec".to_owned(), spec)]))
}

/// The strings of a message whose fields are numbered from 1 in the order of `names`.
fn texts(message: &[u8], names: &[&str]) -> Value {
    let text = |(number, name): (u64, &&str)| {
        let bytes = field(message, number)?;
        Some(((*name).to_owned(), Value::String(String::from_utf8_lossy(bytes).into_owned())))
    };
    (1..).zip(names).filter_map(text).collect::<Map<_, _>>().into()
}

/// The first field of a message with this number, if it is one of bytes.
fn field(mut message: &[u8], number: u64) -> Option<&[u8]> {
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let value = match tag & 7 {
            0 => {
                varint(&mut message)?;
                &[]
            }
            1 => message.split_off(..8)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                message.split_off(..length)?
            }
            5 => message.split_off(..4)?,
            _ => return None,
        };
        if tag >> 3 == number {
            return Some(value);
        }
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
        fields
            .iter()
            .flat_map(|(number, bytes)| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], *bytes].concat())
            .collect()
    }

    #[test]
    fn an_access_review_is_read() {
        let attributes = message(&[(1, b"shop"), (2, b"patch"), (3, b"argoproj.io"), (5, b"rollouts"), (6, b"status")]);
        let raw = message(&[(1, b""), (2, &message(&[(1, &attributes)]))]);
        let body = [MAGIC, &message(&[(1, b"\x0a\x02v1"), (2, &raw)])].concat();
        let review = access_review(&body).unwrap();
        assert_eq!(review["spec"]["resourceAttributes"]["verb"], "patch");
        assert_eq!(review["spec"]["resourceAttributes"]["subresource"], "status");
        assert_eq!(access_review(b"{}"), None);
        assert_eq!(access_review(b"k8s\0\x12\xff"), None, "a length beyond the end");
    }
}

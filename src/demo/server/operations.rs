//! JSON Patch as a real API server carries it out, which is not in all points RFC 6902: an absent field is null to a
//! `test`, and `replace` sets a field that is not there. Which operation failed is not said to anybody.

use serde::Deserialize;
use serde_json::Value;

/// One operation of a patch.
#[derive(Debug, Deserialize)]
pub struct Operation {
    op: String,
    path: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    value: Value,
}

/// An operation that cannot be carried out, or a test that does not hold.
#[derive(Debug, PartialEq)]
pub struct Refused;

/// Carries a patch out; after a refusal the object may be half changed.
pub fn apply(object: &mut Value, patch: &[Operation]) -> Result<(), Refused> {
    patch.iter().try_for_each(|operation| one(object, operation))
}

fn one(object: &mut Value, operation: &Operation) -> Result<(), Refused> {
    let (path, value) = (operation.path.as_str(), &operation.value);
    match operation.op.as_str() {
        "test" => {
            let there = get(object, path)?;
            if there == *value { Ok(()) } else { Err(Refused) }
        }
        "add" => add(object, path, value.clone()),
        "replace" => replace(object, path, value.clone()),
        "remove" => remove(object, path).map(drop),
        "move" => {
            let moved = remove(object, &operation.from)?;
            add(object, path, moved)
        }
        "copy" => {
            let copied = get(object, &operation.from)?;
            add(object, path, copied)
        }
        _ => Err(Refused),
    }
}

/// What holds the end of a path, and the last part of the path. Everything before the last part has to be there.
fn holder<'a>(mut object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Refused> {
    let (parent, last) = path.rsplit_once('/').ok_or(Refused)?;
    for part in parent.split('/').skip(1).map(plain) {
        object = match object {
            Value::Array(items) => {
                let place = place(&part, items.len())?;
                &mut items[place]
            }
            Value::Object(fields) => fields.get_mut(&part).ok_or(Refused)?,
            _ => return Err(Refused),
        };
    }
    if object.is_object() || object.is_array() { Ok((object, plain(last))) } else { Err(Refused) }
}

/// A part of a path without its escapes.
fn plain(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A place in a list; `end` is the first that does not fit, and from it negative places count.
fn place(text: &str, end: usize) -> Result<usize, Refused> {
    let place = match text.strip_prefix('-') {
        Some(back) => back.parse().ok().and_then(|back| end.checked_sub(back)),
        None => text.parse().ok(),
    };
    place.filter(|place| *place < end).ok_or(Refused)
}

/// The value at a path; an absent field is null.
fn get(object: &mut Value, path: &str) -> Result<Value, Refused> {
    match holder(object, path)? {
        (Value::Array(items), last) => Ok(items[place(&last, items.len())?].clone()),
        (holder, last) => Ok(holder.get(&last).cloned().unwrap_or_default()),
    }
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), Refused> {
    match holder(object, path)? {
        (Value::Array(items), last) if last == "-" => items.push(value),
        (Value::Array(items), last) => items.insert(place(&last, items.len() + 1)?, value),
        (holder, last) => holder[last] = value,
    }
    Ok(())
}

fn replace(object: &mut Value, path: &str, value: Value) -> Result<(), Refused> {
    match holder(object, path)? {
        (Value::Array(items), last) => {
            let place = place(&last, items.len())?;
            items[place] = value;
        }
        (holder, last) => holder[last] = value,
    }
    Ok(())
}

fn remove(object: &mut Value, path: &str) -> Result<Value, Refused> {
    match holder(object, path)? {
        (Value::Array(items), last) => Ok(items.remove(place(&last, items.len())?)),
        (Value::Object(fields), last) => fields.remove(&last).ok_or(Refused),
        _ => Err(Refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(operations: &Value) -> Option<Value> {
        let mut object =
            json!({ "spec": { "paused": true, "steps": [1, 2], "items": [{ "a": 1 }] }, "status": { "a/b": { "~": 1 } } });
        let patch: Vec<Operation> = serde_json::from_value(operations.clone()).unwrap();
        apply(&mut object, &patch).ok().map(|()| object)
    }

    #[track_caller]
    fn tests(path: &str, value: &Value, holds: bool) {
        assert_eq!(patched(&json!([{ "op": "test", "path": path, "value": value }])).is_some(), holds, "{path} {value}");
    }

    #[test]
    fn an_absent_field_is_null_and_below_it_is_nothing() {
        tests("/spec/paused", &json!(true), true);
        tests("/spec/paused", &json!(false), false);
        tests("/spec/paused", &Value::Null, false);
        tests("/status/abort", &Value::Null, true);
        tests("/status/abort", &json!(false), false);
        tests("/nothing", &Value::Null, true);
        tests("/nothing/below", &Value::Null, false);
        tests("/spec/steps/2", &Value::Null, false);
        tests("/spec/steps/1", &json!(2), true);
        tests("/spec/paused/x", &Value::Null, false);
        tests("/spec/steps/-1", &json!(2), true);
        tests("/spec/items/-1/a", &json!(1), true);
        tests("/spec/items/1/a", &Value::Null, false);
        tests("/status/a~1b/~0", &json!(1), true);
        tests("", &Value::Null, false);
    }

    #[test]
    fn operations_change_what_is_there_and_refuse_what_is_not() {
        let spec = |operations: &Value| {
            let mut spec = patched(operations)?["spec"].clone();
            spec.as_object_mut()?.remove("items");
            Some(spec)
        };
        assert_eq!(spec(&json!([{ "op": "remove", "path": "/spec/steps/0" }])), Some(json!({ "paused": true, "steps": [2] })));
        assert_eq!(spec(&json!([{ "op": "remove", "path": "/spec/nothing" }])), None);
        let add =
            json!([{ "op": "add", "path": "/spec/steps/-", "value": 3 }, { "op": "add", "path": "/spec/steps/0", "value": 0 }]);
        assert_eq!(spec(&add), Some(json!({ "paused": true, "steps": [0, 1, 2, 3] })));
        let moved = json!([{ "op": "move", "from": "/spec/steps", "path": "/spec/list" }, { "op": "replace", "path": "/spec/paused", "value": 1 }]);
        assert_eq!(spec(&moved), Some(json!({ "paused": 1, "list": [1, 2] })));
        assert_eq!(spec(&json!([{ "op": "add", "path": "/nothing/below", "value": 1 }])), None);
        assert_eq!(spec(&json!([{ "op": "turn", "path": "/spec" }])), None);
    }
}

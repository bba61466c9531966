//! What the definition of a kind makes of an object: unknown fields are pruned and named, and a value of the wrong type is
//! refused with its path, in the API's words. Which fields there are stands in `shapes`.

use serde_json::{Map, Value};

/// The shape of a value.
#[derive(Debug)]
pub enum Shape {
    Text,
    /// A text that is a time, RFC 3339.
    Time,
    /// One of these texts.
    Word(&'static [&'static str]),
    Integer,
    Number,
    Truth,
    IntegerOrText,
    /// Whatever it is, it stays.
    Any,
    List(&'static Shape),
    /// Names with values of one shape.
    Map(&'static Shape),
    Object(Fields),
}

/// The fields of an object.
#[derive(Debug)]
pub struct Fields {
    pub known: &'static [(&'static str, Shape)],
    /// Those that have to be there.
    pub needed: &'static [&'static str],
    /// Others are kept as they come.
    pub open: bool,
}

/// What is wrong with a value: the field's path and the sentence about it.
pub type Fault = (String, String);

impl Shape {
    /// An object of which only these fields are known.
    pub const fn of(known: &'static [(&'static str, Shape)]) -> Self {
        Self::Object(Fields { known, needed: &[], open: false })
    }

    /// The same with some that are needed.
    pub const fn needing(needed: &'static [&'static str], known: &'static [(&'static str, Shape)]) -> Self {
        Self::Object(Fields { known, needed, open: false })
    }

    /// An object with any fields, of which these are looked at.
    pub const fn open(needed: &'static [&'static str], known: &'static [(&'static str, Shape)]) -> Self {
        Self::Object(Fields { known, needed, open: true })
    }

    /// The shape of a field of an object.
    pub fn field(&self, name: &str) -> Option<&Self> {
        if let Self::Object(fields) = self { fields.shape(name) } else { None }
    }

    /// Removes from a value what its shape does not know, and says where that was. A null where something is known goes
    /// without a word.
    pub fn prune(&self, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
        match (self, value) {
            (Self::Object(fields), Value::Object(map)) => fields.prune(map, path, unknown),
            (Self::Map(shape), Value::Object(map)) => {
                map.iter_mut().for_each(|(key, value)| shape.prune(value, &below(path, key), unknown));
            }
            (Self::List(shape), Value::Array(items)) => {
                items.iter_mut().enumerate().for_each(|(place, item)| shape.prune(item, &format!("{path}[{place}]"), unknown));
            }
            _ => {}
        }
    }

    /// Looks for values that are not of this shape.
    pub fn check(&self, value: &Value, path: &str, faults: &mut Vec<Fault>) {
        match (self, value) {
            (Self::Any, _)
            | (Self::Truth, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::Text | Self::IntegerOrText, Value::String(_)) => {}
            (Self::Integer | Self::IntegerOrText, Value::Number(number)) if number.as_f64().is_some_and(|n| n.fract() == 0.0) => {}
            (Self::Time, Value::String(text)) => {
                if text.parse::<jiff::Timestamp>().is_err() {
                    faults.push(wrong(path, value, "date-time"));
                }
            }
            (Self::Word(words), Value::String(text)) => {
                if !words.contains(&text.as_str()) {
                    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                    let why = format!("Unsupported value: {text:?}: supported values: {}", words.join(", "));
                    faults.push((path.to_owned(), why));
                }
            }
            (Self::List(shape), Value::Array(items)) => {
                items.iter().enumerate().for_each(|(place, item)| shape.check(item, &format!("{path}[{place}]"), faults));
            }
            (Self::Map(shape), Value::Object(map)) => {
                map.iter().for_each(|(key, value)| shape.check(value, &below(path, key), faults));
            }
            (Self::Object(fields), Value::Object(map)) => fields.check(map, path, faults),
            _ => faults.push(wrong(path, value, self.name())),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Time => "date-time",
            Self::Text | Self::Word(_) => "string",
            Self::Integer => "integer",
            Self::IntegerOrText => "integer,string",
            Self::Number => "number",
            Self::Truth => "boolean",
            Self::List(_) => "array",
            Self::Any | Self::Map(_) | Self::Object(_) => "object",
        }
    }
}

impl Fields {
    fn shape(&self, key: &str) -> Option<&Shape> {
        self.known.iter().find(|(name, _)| *name == key).map(|(_, shape)| shape)
    }

    fn prune(&self, map: &mut Map<String, Value>, path: &str, unknown: &mut Vec<String>) {
        map.retain(|key, value| match self.shape(key) {
            Some(_) if value.is_null() => false,
            Some(shape) => {
                shape.prune(value, &below(path, key), unknown);
                true
            }
            None if self.open => true,
            None => {
                unknown.push(format!("unknown field \"{}\"", below(path, key)));
                false
            }
        });
    }

    fn check(&self, map: &Map<String, Value>, path: &str, faults: &mut Vec<Fault>) {
        for key in self.needed.iter().filter(|key| !map.contains_key(**key)) {
            faults.push((below(path, key), "Required value".to_owned()));
        }
        for (key, value) in map {
            if let Some(shape) = self.shape(key) {
                shape.check(value, &below(path, key), faults);
            }
        }
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The sentence about a value of a wrong type: a text that is no time is shown, of others only the type.
fn wrong(path: &str, value: &Value, wanted: &str) -> Fault {
    let shown = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) if wanted == "date-time" => "int64",
        Value::Number(_) => "integer",
        Value::String(text) if wanted == "date-time" => text,
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    (path.to_owned(), format!("Invalid value: {shown:?}: {path} in body must be of type {wanted}: {shown:?}"))
}

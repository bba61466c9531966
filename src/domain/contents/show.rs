//! Values of a template as short text: no credential, no control character, no novel.

use std::fmt::Write as _;

use serde_json::Value;

/// Longest text, in characters.
const LONGEST: usize = 400;
/// Words in the name of a variable whose value is nobody's business.
const SECRET: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "accesskey", "privatekey"];
/// What stands for a value that is not shown.
const MASKED: &str = "***";

/// A value in one line.
pub(super) fn text(value: &Value) -> Box<str> {
    let mut whole = String::new();
    spell(&mut whole, value, true);
    finish(&whole)
}

/// A variable of a container: its value, or where it comes from.
pub(super) fn variable(entry: &Value) -> Box<str> {
    let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
    if let Some(value) = entry.get("value") {
        return if is_secret(name) && value.as_str() != Some("") { MASKED.into() } else { text(value) };
    }
    let Some(from) = entry.get("valueFrom") else { return "\"\"".into() };
    let field = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let words = if let Some(of) = from.get("secretKeyRef") {
        format!("from Secret {}, {}", field(of, "name"), field(of, "key"))
    } else if let Some(of) = from.get("configMapKeyRef") {
        format!("from ConfigMap {}, {}", field(of, "name"), field(of, "key"))
    } else if let Some(of) = from.get("fieldRef") {
        format!("from {}", field(of, "fieldPath"))
    } else if let Some(of) = from.get("resourceFieldRef") {
        format!("from {}", field(of, "resource"))
    } else {
        return text(from);
    };
    finish(&words)
}

/// Whether a variable of this name holds a credential.
fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    SECRET.iter().any(|word| plain.contains(word))
}

/// Braces and commas as in YAML's short form; a name that says which one it is has been said already.
fn spell(whole: &mut String, value: &Value, outermost: bool) {
    // Nobody reads further, and a template can hold a megabyte.
    if whole.len() > 4 * LONGEST {
        return;
    }
    match value {
        Value::String(words) if words.is_empty() => whole.push_str("\"\""),
        Value::String(words) => whole.push_str(words),
        Value::Array(items) => {
            list(whole, ["[", "]"], items.iter(), |whole, item| {
                if item.get("name").is_some() && (item.get("value").is_some() || item.get("valueFrom").is_some()) {
                    let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                    let _ = write!(whole, "{name}={}", variable(item));
                } else {
                    spell(whole, item, false);
                }
            });
        }
        Value::Object(fields) => {
            let brackets = if outermost { ["", ""] } else { ["{", "}"] };
            let fields: Vec<_> = fields.iter().filter(|(key, _)| !outermost || *key != "name").collect();
            if fields.is_empty() {
                whole.push_str("{}");
            } else {
                list(whole, brackets, fields.into_iter(), |whole, (key, value)| {
                    whole.push_str(key);
                    whole.push_str(": ");
                    spell(whole, value, false);
                });
            }
        }
        other => whole.push_str(&other.to_string()),
    }
}

fn list<T>(whole: &mut String, [open, close]: [&str; 2], items: impl Iterator<Item = T>, add: impl Fn(&mut String, T)) {
    whole.push_str(open);
    for (place, item) in items.enumerate() {
        if place > 0 {
            whole.push_str(", ");
        }
        add(whole, item);
    }
    whole.push_str(close);
}

/// One line without control characters, passwords in URLs masked, and an end.
pub(super) fn finish(words: &str) -> Box<str> {
    let masked = without_passwords(words);
    let mut line = String::new();
    for (count, letter) in masked.chars().enumerate() {
        if count == LONGEST {
            line.push('…');
            break;
        }
        match letter {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            letter if letter.is_control() => line.push('\u{fffd}'),
            letter => line.push(letter),
        }
    }
    line.into()
}

/// `scheme://user:password@host` with the password masked.
fn without_passwords(words: &str) -> String {
    let mut whole = String::new();
    let mut rest = words;
    while let Some((head, tail)) = rest.split_once("://") {
        whole.push_str(head);
        whole.push_str("://");
        let end = tail.find(|letter: char| letter.is_whitespace() || "/?#\"'".contains(letter)).unwrap_or(tail.len());
        let (authority, after) = tail.split_at_checked(end).unwrap_or((tail, ""));
        match authority.rsplit_once('@').and_then(|(person, host)| Some((person.split_once(':')?.0, host))) {
            Some((user, host)) => whole.extend([user, ":", MASKED, "@", host]),
            None => whole.push_str(authority),
        }
        rest = after;
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_one_short_line() {
        let check = |value: Value, expected: &str| assert_eq!(&*text(&value), expected);
        check(json!("info"), "info");
        check(json!(""), "\"\"");
        check(json!(8080), "8080");
        check(json!(null), "null");
        check(json!({}), "{}");
        check(json!({"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}), "emptyDir: {sizeLimit: 1Gi}");
        check(json!([{"containerPort": 80, "name": "http"}, "x"]), "[{containerPort: 80, name: http}, x]");
        check(json!("a\nb\u{1b}[2J"), "a\\nb\u{fffd}[2J");
        assert_eq!(text(&json!("é".repeat(1000))).chars().count(), LONGEST + 1);
    }

    #[test]
    fn variables_say_where_they_come_from() {
        let check = |entry: Value, expected: &str| assert_eq!(&*variable(&entry), expected);
        check(json!({"name": "LOG_LEVEL", "value": "info"}), "info");
        check(json!({"name": "EMPTY"}), "\"\"");
        check(json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}}), "from Secret db, url");
        check(json!({"name": "A", "valueFrom": {"configMapKeyRef": {"name": "web", "key": "k"}}}), "from ConfigMap web, k");
        check(json!({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}), "from metadata.name");
        check(json!({"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}), "from limits.cpu");
    }

    #[test]
    fn credentials_are_not_shown() {
        for name in ["DB_PASSWORD", "db-passwd", "API_KEY", "GithubToken", "CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY"] {
            assert_eq!(&*variable(&json!({"name": name, "value": "hunter2"})), MASKED, "{name}");
        }
        assert_eq!(&*variable(&json!({"name": "DB_PASSWORD", "value": ""})), "\"\"");
        let added = json!({"name": "main", "env": [{"name": "TOKEN", "value": "hunter2"}, {"name": "MODE", "value": "fast"}]});
        assert_eq!(&*text(&added), "env: [TOKEN=***, MODE=fast]");
        let url = "postgres://app:hunter2@db:5432/x?y=1 http://a@b/ amqp://q";
        assert_eq!(&*text(&json!(url)), "postgres://app:***@db:5432/x?y=1 http://a@b/ amqp://q");
    }
}

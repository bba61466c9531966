//! Conditions of metrics (`result[0] >= 0.95 && !isNaN(result[0])`): a small evaluator of the expressions that occur in
//! practice. What it does not know is an error, never a guess.

use serde_json::Value;

/// Evaluates a condition for a result. The error is a sentence.
pub fn holds(condition: &str, result: &Value) -> Result<bool, String> {
    let tokens = tokens(condition)?;
    let mut parser = Parser { tokens, place: 0, result };
    let value = parser.either()?;
    if parser.place < parser.tokens.len() {
        return Err(format!("unexpected {:?}", parser.tokens[parser.place]));
    }
    match value {
        Value::Bool(truth) => Ok(truth),
        other => Err(format!("expected bool, but got {other}")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Name(String),
    Sign(&'static str),
}

/// Signs, the longer first.
const SIGNS: [&str; 22] =
    ["&&", "||", "==", "!=", ">=", "<=", ">", "<", "!", "(", ")", "[", "]", ".", ",", "+", "-", "*", "/", "%", "?", ":"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let take = |rest: &str, fits: fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let length = if first.is_ascii_digit() {
            let length = take(rest, |c| c.is_ascii_digit() || c == '.' || c == 'e' || c == '_');
            let number = rest.split_at(length).0.replace('_', "");
            tokens.push(Token::Number(number.parse().map_err(|_| format!("bad number {number}"))?));
            length
        } else if first.is_alphabetic() || first == '_' {
            let length = take(rest, |c| c.is_alphanumeric() || c == '_');
            tokens.push(Token::Name(rest.split_at(length).0.to_owned()));
            length
        } else if first == '"' || first == '\'' {
            let body = rest.split_at(1).1;
            let end = body.find(first).ok_or("literal not terminated")?;
            tokens.push(Token::Text(body.split_at(end).0.to_owned()));
            end + 2
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            return Err(format!("unrecognized character: {first:?}"));
        };
        rest = rest.split_at(length).1.trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    place: usize,
    result: &'a Value,
}

type Outcome = Result<Value, String>;

impl Parser<'_> {
    fn sign(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        let Some(Token::Sign(sign)) = self.tokens.get(self.place) else { return None };
        let sign = wanted.iter().find(|wanted| *wanted == sign)?;
        self.place += 1;
        Some(sign)
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = self.tokens.get(self.place) == Some(&Token::Name(wanted.to_owned()));
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        self.sign(&[sign]).map(|_| ()).ok_or_else(|| format!("expected {sign}"))
    }

    fn either(&mut self) -> Outcome {
        let condition = self.any()?;
        if self.sign(&["?"]).is_none() {
            return Ok(condition);
        }
        let yes = self.either()?;
        self.expect(":")?;
        let no = self.either()?;
        Ok(if truth(&condition)? { yes } else { no })
    }

    fn any(&mut self) -> Outcome {
        let mut value = self.all()?;
        while self.sign(&["||"]).is_some() || self.word("or") {
            let other = self.all()?;
            value = Value::Bool(truth(&value)? || truth(&other)?);
        }
        Ok(value)
    }

    fn all(&mut self) -> Outcome {
        let mut value = self.not()?;
        while self.sign(&["&&"]).is_some() || self.word("and") {
            let other = self.not()?;
            value = Value::Bool(truth(&value)? && truth(&other)?);
        }
        Ok(value)
    }

    fn not(&mut self) -> Outcome {
        if self.word("not") {
            let value = self.not()?;
            return Ok(Value::Bool(!truth(&value)?));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Outcome {
        let left = self.sum()?;
        let Some(sign) = self.sign(&["==", "!=", ">=", "<=", ">", "<"]) else { return Ok(left) };
        let right = self.sum()?;
        Ok(Value::Bool(match sign {
            "==" => equal(&left, &right),
            "!=" => !equal(&left, &right),
            _ => {
                let (a, b) = (number(&left)?, number(&right)?);
                match sign {
                    ">=" => a >= b,
                    "<=" => a <= b,
                    ">" => a > b,
                    _ => a < b,
                }
            }
        }))
    }

    fn sum(&mut self) -> Outcome {
        let mut value = self.product()?;
        while let Some(sign) = self.sign(&["+", "-"]) {
            let other = self.product()?;
            let (a, b) = (number(&value)?, number(&other)?);
            value = real(if sign == "+" { a + b } else { a - b });
        }
        Ok(value)
    }

    fn product(&mut self) -> Outcome {
        let mut value = self.unary()?;
        while let Some(sign) = self.sign(&["*", "/", "%"]) {
            let other = self.unary()?;
            let (a, b) = (number(&value)?, number(&other)?);
            value = real(match sign {
                "*" => a * b,
                "/" => a / b,
                _ => a % b,
            });
        }
        Ok(value)
    }

    fn unary(&mut self) -> Outcome {
        if self.sign(&["!"]).is_some() {
            let value = self.unary()?;
            return Ok(Value::Bool(!truth(&value)?));
        }
        if self.sign(&["-"]).is_some() {
            let value = self.unary()?;
            return Ok(real(-number(&value)?));
        }
        self.member()
    }

    fn member(&mut self) -> Outcome {
        let mut value = self.atom()?;
        loop {
            if self.sign(&["["]).is_some() {
                let index = self.either()?;
                self.expect("]")?;
                value = at(&value, &index)?;
            } else if self.sign(&["."]).is_some() {
                let Some(Token::Name(name)) = self.tokens.get(self.place).cloned() else {
                    return Err("expected a name".to_owned());
                };
                self.place += 1;
                value = value.get(&name).cloned().unwrap_or(Value::Null);
            } else {
                return Ok(value);
            }
        }
    }

    fn atom(&mut self) -> Outcome {
        let token = self.tokens.get(self.place).cloned().ok_or("unexpected end")?;
        self.place += 1;
        match token {
            Token::Number(number) => Ok(real(number)),
            Token::Text(text) => Ok(Value::String(text)),
            Token::Sign("(") => {
                let value = self.either()?;
                self.expect(")")?;
                Ok(value)
            }
            Token::Name(name) if self.sign(&["("]).is_some() => {
                let mut arguments = Vec::new();
                while self.sign(&[")"]).is_none() {
                    arguments.push(self.either()?);
                    if self.sign(&[","]).is_none() {
                        self.expect(")")?;
                        break;
                    }
                }
                call(&name, &arguments)
            }
            Token::Name(name) => match name.as_str() {
                "result" => Ok(self.result.clone()),
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                "nil" => Ok(Value::Null),
                _ => Err(format!("unknown name {name}")),
            },
            Token::Sign(sign) => Err(format!("unexpected {sign}")),
        }
    }
}

/// A number as JSON; NaN and the infinities, which JSON has not, are kept as their names.
fn real(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
}

fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => number.as_f64().ok_or_else(|| format!("{number} is no float")),
        Value::String(text) if matches!(text.as_str(), "NaN" | "inf" | "-inf" | "+Inf" | "-Inf" | "Inf") => {
            text.to_lowercase().parse().map_err(|_| format!("{text} is no number"))
        }
        Value::Array(_) => Err("invalid operation: comparison of a list with a number".to_owned()),
        other => Err(format!("invalid operation: {other} is no number")),
    }
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("expected bool, but got {value}"))
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left == right && left != "NaN",
        _ => match (number(left), number(right)) {
            (Ok(left), Ok(right)) => (left - right).abs() < f64::EPSILON,
            _ => left == right,
        },
    }
}

fn at(value: &Value, index: &Value) -> Outcome {
    match (value, index) {
        (Value::Object(object), Value::String(key)) => Ok(object.get(key).cloned().unwrap_or(Value::Null)),
        (Value::Array(list), index) => {
            let wanted = number(index)?;
            let found =
                list.iter().enumerate().find(|(place, _)| u32::try_from(*place).is_ok_and(|p| (f64::from(p) - wanted).abs() < 0.5));
            found.map(|(_, value)| value.clone()).ok_or_else(|| "reflect: slice index out of range".to_owned())
        }
        _ => Err(format!("cannot fetch {index} from {value}")),
    }
}

fn call(name: &str, arguments: &[Value]) -> Outcome {
    let first = arguments.first().cloned().unwrap_or(Value::Null);
    let as_number = |value: &Value| match value {
        Value::String(text) => text.trim().parse::<f64>().map_err(|_| format!("{text:?} is no number")),
        other => number(other),
    };
    match (name, arguments.len()) {
        ("asFloat", 1) => as_number(&first).map(real),
        ("asInt", 1) => as_number(&first).map(|number| real(number.trunc())),
        ("isNaN", 1) => Ok(Value::Bool(number(&first)?.is_nan())),
        ("isInf", 1) => Ok(Value::Bool(number(&first)?.is_infinite())),
        ("isNil", 1) => Ok(Value::Bool(first.is_null())),
        ("default", 2) => Ok(if first.is_null() { arguments[1].clone() } else { first }),
        ("len", 1) => match &first {
            Value::Array(list) => Ok(list.len().into()),
            Value::Object(object) => Ok(object.len().into()),
            Value::String(text) => Ok(text.chars().count().into()),
            _ => Err("invalid argument for len".to_owned()),
        },
        _ => Err(format!("unknown name {name}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_as_people_write_them() {
        let cases = [
            ("result >= 0.95", json!(0.95), Ok(true)),
            ("result[0] < 0.01", json!([0.2]), Ok(false)),
            ("result[0] >= 0.9 && result[1] >= 0.7", json!([0.9, 0.8]), Ok(true)),
            ("isNaN(result) || result == 0", json!("NaN"), Ok(true)),
            ("!isNaN(result[0]) and result[0] < 1", json!(["NaN"]), Ok(false)),
            ("default(result, 0) < 0.05", Value::Null, Ok(true)),
            ("asInt(result.status) == 200 && result.body == 'ok'", json!({ "status": "200", "body": "ok" }), Ok(true)),
            ("len(result) == 0 || result[0] <= 1.5", json!([1]), Ok(true)),
            ("(result * 100) % 2 == 0 ? true : false", json!(2), Ok(true)),
        ];
        for (condition, result, wanted) in cases {
            assert_eq!(holds(condition, &result), wanted, "{condition} for {result}");
        }
    }

    #[test]
    fn what_it_does_not_know_is_an_error() {
        for (condition, result) in [
            ("result[0] > 1", json!([])),
            ("result > 1", json!([1])),
            ("all(result, {# > 1})", json!([1])),
            ("result", json!(1)),
            ("result > 1 result", json!(1)),
        ] {
            assert!(holds(condition, &result).is_err(), "{condition}");
        }
    }
}

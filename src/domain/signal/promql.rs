//! PromQL as far as it is looked into: whether a query is one, what it returns, which series it rests on. Evaluates nothing; what a
//! query means is the server's to say.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::T_DIV;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, VectorSelector};

use super::{Template, Track, Variables};

/// Longest query that is looked into, in bytes.
const LONGEST: usize = 16 << 10;
/// Most operators and parentheses of a query: what is nested deeper than a stack would end the program.
const MOST_PARTS: usize = 600;
/// Stands for the pod hash where all versions are meant.
const ANY: &str = "pilothouse_any_version";
/// Opens and closes what stands for a variable that each track has in its own way.
const EACH: [&str; 2] = ["pilothouse_each_", "_track"];
/// Variables that each track may have in its own way.
const PER_TRACK: [&str; 3] = ["track", "track_service", "workload"];

/// A query that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Query(pub(super) Expr);

impl Query {
    /// Takes a query without variables that returns numbers at one moment; the error says in one line why it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        let parts = text.bytes().filter(|byte| b"()+-*/%^<>=!".contains(byte)).count() + words(text);
        if text.len() > LONGEST || parts > MOST_PARTS {
            return Err("it is too long".to_owned());
        }
        let expression = parser::parse(text).map_err(|error| {
            let line = error.split_whitespace().collect::<Vec<_>>().join(" ");
            if line == "invalid promql query" { "it is no PromQL".to_owned() } else { line }
        })?;
        match expression.value_type() {
            ValueType::Vector | ValueType::Scalar => Ok(Self(expression)),
            ValueType::Matrix => Err("it returns ranges: wrap them, as in rate(…)".to_owned()),
            ValueType::String => Err("it returns a text and no number".to_owned()),
        }
    }

    /// Whether it returns one number without labels.
    pub fn is_scalar(&self) -> bool {
        self.0.value_type() == ValueType::Scalar
    }

    /// The series that it rests on, as selectors without range, offset and moment; each once, in their order.
    pub fn selectors(&self) -> Vec<String> {
        let mut found = Vec::new();
        visit(&mut self.0.clone(), &mut |selector| {
            let text = VectorSelector { offset: None, at: None, ..selector.clone() }.to_string();
            if !found.contains(&text) {
                found.push(text);
            }
        });
        found
    }

    /// Seconds over which it looks back at most; None if it looks at one moment only.
    pub fn looks_back(&self) -> Option<u32> {
        let mut longest = None;
        ranges(&self.0, &mut |range| longest = longest.max(u32::try_from(range.as_secs()).ok()));
        longest
    }

    /// Dividend and divisor, if it is nothing but the quotient of two vectors.
    pub fn quotient(&self) -> Option<(String, String)> {
        let mut expression = &self.0;
        while let Expr::Paren(paren) = expression {
            expression = &paren.expr;
        }
        let Expr::Binary(binary) = expression else { return None };
        let vectors = [&binary.lhs, &binary.rhs].iter().all(|side| side.value_type() == ValueType::Vector);
        (binary.op.id() == T_DIV && binary.modifier.is_none() && vectors).then(|| (binary.lhs.to_string(), binary.rhs.to_string()))
    }
}

/// The words that join two operands.
fn words(text: &str) -> usize {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| ["and", "or", "unless", "atan2"].contains(word)).count()
}

/// A query about all tracks together, from the template that asks for one. What each track has in its own way is asked for as one or
/// another of them, and a version by its hash not at all: over a long time there were others.
pub fn of_all_tracks(template: &Template, tracks: &[(Track, Variables)]) -> Result<Query, String> {
    let (_, first) = tracks.first().ok_or("there is no version to ask for")?;
    let mut variables = first.clone().with("pod_hash", ANY);
    let differing: Vec<&str> = PER_TRACK.into_iter().filter(|name| differs(tracks, name)).collect();
    for name in &differing {
        variables = variables.with(name, &format!("{}{name}{}", EACH[0], EACH[1]));
    }
    let mut query = Query::read(&template.fill(&variables)?)?;
    let mut wrong = None;
    visit(&mut query.0, &mut |selector| {
        let said = selector.name.clone().unwrap_or_default();
        if said.contains(ANY) || said.contains(EACH[0]) {
            wrong = Some("a metric's name differs between the tracks: say [slo] error_ratio".to_owned());
        }
        selector.matchers.matchers.retain(|matcher| !matcher.value.contains(ANY));
        for matcher in &mut selector.matchers.matchers {
            if matcher.value.contains(EACH[0])
                && let Err(error) = widen(matcher, tracks, &differing)
            {
                wrong = Some(error);
            }
        }
    });
    wrong.map_or(Ok(query), Err)
}

impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn differs(tracks: &[(Track, Variables)], name: &str) -> bool {
    tracks.windows(2).any(|pair| {
        pair.iter().map(|(_, variables)| variables.get(name)).collect::<Vec<_>>().windows(2).any(|two| two.first() != two.last())
    })
}

/// Makes a matcher of one track one of any.
fn widen(matcher: &mut Matcher, tracks: &[(Track, Variables)], differing: &[&str]) -> Result<(), String> {
    let exact = matches!(matcher.op, MatchOp::Equal | MatchOp::NotEqual);
    let mut all: Vec<String> = Vec::new();
    for (_, variables) in tracks {
        let mut one = matcher.value.clone();
        for name in differing {
            one = one.replace(&format!("{}{name}{}", EACH[0], EACH[1]), variables.get(name).unwrap_or_default());
        }
        let one = if exact { regex::escape(&one).replace("\\-", "-") } else { format!("(?:{one})") };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    let value = all.join("|");
    let pattern = regex::Regex::new(&format!("^(?:{value})$")).map_err(|_| format!("'{value}' is no regular expression"))?;
    let op = match matcher.op {
        MatchOp::Equal | MatchOp::Re(_) => MatchOp::Re(pattern),
        MatchOp::NotEqual | MatchOp::NotRe(_) => MatchOp::NotRe(pattern),
    };
    *matcher = Matcher { op, name: matcher.name.clone(), value };
    Ok(())
}

/// Hands every length of time over which something is gathered to `look`.
fn ranges(expression: &Expr, look: &mut impl FnMut(std::time::Duration)) {
    match expression {
        Expr::MatrixSelector(matrix) => look(matrix.range),
        Expr::Aggregate(aggregate) => ranges(&aggregate.expr, look),
        Expr::Unary(unary) => ranges(&unary.expr, look),
        Expr::Paren(paren) => ranges(&paren.expr, look),
        Expr::Subquery(subquery) => {
            look(subquery.range);
            ranges(&subquery.expr, look);
        }
        Expr::Binary(binary) => {
            ranges(&binary.lhs, look);
            ranges(&binary.rhs, look);
        }
        Expr::Call(call) => call.args.args.iter().for_each(|argument| ranges(argument, look)),
        Expr::VectorSelector(_) | Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

/// Hands every selector to `look`.
pub(super) fn visit(expression: &mut Expr, look: &mut impl FnMut(&mut VectorSelector)) {
    match expression {
        Expr::VectorSelector(selector) => look(selector),
        Expr::MatrixSelector(matrix) => look(&mut matrix.vs),
        Expr::Aggregate(aggregate) => {
            visit(&mut aggregate.expr, look);
            if let Some(parameter) = &mut aggregate.param {
                visit(parameter, look);
            }
        }
        Expr::Unary(unary) => visit(&mut unary.expr, look),
        Expr::Paren(paren) => visit(&mut paren.expr, look),
        Expr::Subquery(subquery) => visit(&mut subquery.expr, look),
        Expr::Binary(binary) => {
            visit(&mut binary.lhs, look);
            visit(&mut binary.rhs, look);
        }
        Expr::Call(call) => call.args.args.iter_mut().for_each(|argument| visit(argument, look)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selectors(text: &str) -> Vec<String> {
        Query::read(text).unwrap().selectors()
    }

    #[test]
    fn a_query_names_the_series_that_it_rests_on() {
        assert_eq!(
            selectors("sum(rate(a{x=\"1\"}[5m] offset 1h)) / on() group_left sum(b) + scalar(topk(2, a{x=\"1\"}))").len(),
            2
        );
        assert_eq!(selectors("histogram_quantile(0.95, sum by (le) (rate(d_bucket{j=~\"a|b\"}[5m])))"), ["d_bucket{j=~\"a|b\"}"]);
        assert_eq!(selectors("max_over_time(rate(c[1m])[10m:])"), ["c"]);
        let back = |text: &str| Query::read(text).unwrap().looks_back();
        assert_eq!((back("rate(a[5m]) / rate(b[1h])"), back("a")), (Some(3600), None));
        assert!(selectors("1 + 1").is_empty() && Query::read("1 + 1").unwrap().is_scalar());
    }

    #[test]
    fn what_is_no_query_says_why() {
        let said = |text: &str| Query::read(text).unwrap_err();
        assert_eq!(said(" "), "it is empty");
        assert_eq!(said("rate(x[5m]"), "unclosed left parenthesis");
        assert_eq!(said("rate rate x"), "it is no PromQL");
        assert_eq!(said("x[5m]"), "it returns ranges: wrap them, as in rate(…)");
        assert_eq!(said("\"x\""), "it returns a text and no number");
        assert_eq!((said(&"(".repeat(10_000)), said(&"x ".repeat(10_000))), ("it is too long".into(), "it is too long".into()));
        assert!(!said("nosuch(x)").contains('\n'));
    }

    #[test]
    fn all_tracks_together_are_asked_for_without_a_version() {
        let track = |hash: &str, service: &str| {
            Variables::default().with("pod_hash", hash).with("track_service", service).with("namespace", "shop")
        };
        let tracks = [(Track::Canary, track("abc", "web-canary")), (Track::Stable, track("def", "web.stable"))];
        let all = |text: &str, tracks: &[(Track, Variables)]| {
            of_all_tracks(&Template::read(text, &[]).unwrap(), tracks).map(|query| query.to_string())
        };
        let hashed = "sum(rate(x{namespace=\"{{namespace}}\",hash=\"{{pod_hash}}\"}[5m]))";
        assert_eq!(all(hashed, &tracks).unwrap(), "sum(rate(x{namespace=\"shop\"}[5m]))");
        let by_service = all("x{s=\"{{track_service}}\",t!=\"{{track_service}}\"}", &tracks).unwrap();
        assert_eq!(by_service, "x{s=~\"web-canary|web\\\\.stable\",t!~\"web-canary|web\\\\.stable\"}");
        assert_eq!(all("x{s=\"{{track_service}}\"}", &tracks[..1]).unwrap(), "x{s=\"web-canary\"}");
        assert!(all("{{workload}}:errors", &[]).is_err());
    }
}

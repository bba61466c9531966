//! The queries: one at least for every construct, those of the presets, such as make no sense, and as many as one likes that
//! are made up.

use pilothouse::domain::signal::{Expression, PRESETS, Variables, preset};

/// One for each construct.
pub const WRITTEN: &[&str] = &[
    "temperature",
    "temperature{job=\"gateway\",pod!~\"gateway-9.*\"}",
    "{__name__=~\"temp.*\",job!=\"web\"}",
    "temperature offset 7m",
    "temperature offset -7m",
    "temperature @ 1767596400",
    "temperature @ end() offset 1m",
    "gappy",
    "gappy @ start()",
    "count_over_time(gappy[10m])",
    "rate(http_requests_total[5m])",
    "increase(http_requests_total[1h])",
    "rate(http_requests_total[1m] offset 3m)",
    "rate(http_requests_total[20s])",
    "irate(http_requests_total[2m])",
    "idelta(temperature[2m])",
    "delta(temperature[17m])",
    "deriv(temperature[10m])",
    "predict_linear(temperature[10m], 600)",
    "changes(up[1h])",
    "resets(http_requests_total[3h])",
    "avg_over_time(temperature[5m])",
    "min_over_time(temperature[5m])",
    "max_over_time(odd[5m])",
    "sum_over_time(temperature[5m])",
    "count_over_time(temperature[5m])",
    "last_over_time(gappy[20m])",
    "present_over_time(gappy[20m])",
    "stddev_over_time(temperature[5m])",
    "stdvar_over_time(temperature[5m])",
    "quantile_over_time(0.9, temperature[10m])",
    "max_over_time(rate(http_requests_total{code=\"200\"}[1m])[10m:30s])",
    "avg_over_time(temperature[10m:])",
    "rate(http_requests_total{code=\"200\"}[10m:1m] offset 2m)",
    "sum(rate(http_requests_total[5m])) by (namespace, job, track)",
    "sum without (pod, code, status) (rate(http_requests_total[5m]))",
    "avg(temperature)",
    "avg by (job) (odd)",
    "min by (job) (temperature)",
    "max by (job) (temperature)",
    "count by (job, nothing) (temperature)",
    "group by (job) (temperature)",
    "stddev(temperature)",
    "stdvar by (job) (temperature)",
    "quantile(0.3, temperature)",
    "quantile by (job) (1.5, temperature)",
    "topk(2, temperature)",
    "bottomk by (job) (1, temperature)",
    "topk(3, rate(http_requests_total[5m]))",
    "count_values(\"value\", up)",
    "count_values by (job) (\"value\", up)",
    "temperature + 1",
    "2 ^ temperature",
    "10 - temperature",
    "temperature % 3",
    "-temperature",
    "temperature > 0",
    "0 < temperature",
    "temperature > bool 0",
    "temperature * temperature",
    "temperature / on (pod) group_left (team) owner",
    "owner * on (pod) group_right (team) temperature",
    "temperature * ignoring (namespace) temperature",
    "temperature == temperature",
    "temperature > bool on (pod) up",
    "temperature > on (pod) up",
    "temperature and on (pod) gappy",
    "temperature and gappy",
    "up or temperature",
    "temperature or on (job) vector(1)",
    "temperature unless on (pod) owner{team=\"web\"}",
    "1 + 2 * 3 ^ 2 - 4 % 3",
    "1 > bool 2",
    "histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket[5m])))",
    "histogram_quantile(0.5, rate(http_request_duration_seconds_bucket[5m]))",
    "histogram_quantile(0, rate(http_request_duration_seconds_bucket[5m]))",
    "histogram_quantile(1.1, rate(http_request_duration_seconds_bucket[5m]))",
    "absent(temperature{job=\"nobody\",pod=~\"x.*\"})",
    "absent(temperature)",
    "absent_over_time(temperature{job=\"nobody\"}[5m])",
    "absent_over_time(gappy[2m])",
    "label_replace(temperature, \"kind\", \"$1-$2\", \"pod\", \"(\\\\w+)-(\\\\w+)-.*\")",
    "label_replace(temperature, \"job\", \"\", \"job\", \"web\")",
    "label_join(temperature, \"both\", \"/\", \"namespace\", \"job\", \"nothing\")",
    "vector(3)",
    "scalar(temperature{pod=\"web-7f3a-0\"})",
    "scalar(temperature)",
    "time()",
    "time() - timestamp(temperature)",
    "timestamp(temperature + 0)",
    "sort(temperature)",
    "sort_desc(odd)",
    "clamp(temperature, -1, 1)",
    "clamp(temperature, 1, -1)",
    "clamp_min(temperature, 0)",
    "clamp_max(odd, 0.5)",
    "round(temperature)",
    "round(temperature, 0.25)",
    "abs(temperature)",
    "ceil(temperature)",
    "floor(temperature)",
    "exp(temperature)",
    "sqrt(temperature)",
    "ln(temperature)",
    "log2(temperature)",
    "log10(temperature)",
    "sgn(temperature)",
    "deg(temperature)",
    "rad(temperature)",
    "sin(temperature)",
    "cos(temperature)",
    "tan(temperature)",
    "asin(clamp(temperature, -1, 1))",
    "acos(clamp(temperature, -1, 1))",
    "atan(temperature)",
    "pi()",
    "minute()",
    "hour(timestamp(temperature))",
    "day_of_week(vector(1767592800))",
    "day_of_month(vector(1767592800))",
    "day_of_year(vector(1767592800))",
    "days_in_month(vector(1767592800))",
    "month(vector(1767592800))",
    "year(vector(1767592800))",
    "sum(rate(http_requests_total{code=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m]))",
    "(sum(rate(http_requests_total{code=\"599\"}[5m])) or vector(0)) / sum(rate(http_requests_total[5m]))",
];

/// What a server refuses: with the same kind of error.
pub const REFUSED: &[&str] = &[
    "",
    "temperature{",
    "sum(",
    "rate(temperature)",
    "nosuchfunction(temperature)",
    "temperature[5m] + 1",
    "1 > 2",
    "{}",
    "temperature + on (job) up",
    "temperature * on (job) group_left up",
    "up * on (pod) group_left (pod) temperature{job=\"web\"} and vector(1) + \"a\"",
    "rate({__name__=~\"http_server_request_duration_seconds_count|http_server_request_duration_seconds_sum\"}[5m])",
    "label_replace(temperature, \"job\", \"x\", \"pod\", \"(\")",
    "label_replace(temperature, \"not-a-name\", \"x\", \"pod\", \".*\")",
    "label_replace(temperature, \"pod\", \"same\", \"pod\", \".*\")",
    "{job=~\".*\"}",
];

/// What is parsed and not evaluated, and the name that the refusal has to say.
pub const UNSUPPORTED: &[(&str, &str)] = &[
    ("histogram_count(up)", "histogram_count"),
    ("histogram_sum(up)", "histogram_sum"),
    ("mad_over_time(up[5m])", "mad_over_time"),
    ("limitk(2, up)", "limitk"),
    ("sinh(up)", "sinh"),
    ("up atan2 up", "atan2"),
];

/// The queries of all presets, those of one track and the grouped ones, with their variables filled in.
pub fn presets() -> Vec<String> {
    let variables = [
        ("namespace", "edge"),
        ("service", "gateway"),
        ("workload", "gateway"),
        ("track_service", "gateway-canary"),
        ("pod_hash", "9c1d"),
        ("window", "5m"),
    ];
    let variables = variables.into_iter().fold(Variables::default(), |all, (name, value)| all.with(name, value));
    let signals = PRESETS.iter().flat_map(|name| preset(name, ["namespace", "job", "track"]).unwrap());
    let expressions = signals.flat_map(|signal| [Some(signal.expression), signal.fleet]).flatten();
    let templates = expressions.flat_map(|expression| match expression {
        Expression::Value(query) => vec![query],
        Expression::Ratio { bad, total } => vec![bad, total],
    });
    templates.map(|template| template.fill(&variables).unwrap()).collect()
}

/// Makes up queries; the same seed makes the same ones.
pub struct Generator {
    random: fastrand::Rng,
}

const COUNTERS: [&str; 4] = [
    "http_requests_total",
    "http_server_request_duration_seconds_count",
    "container_cpu_usage_seconds_total",
    "istio_requests_total",
];
const GAUGES: [&str; 4] = ["temperature", "up", "gappy", "odd"];
const MATCHERS: [&str; 10] = [
    "job=\"gateway\"",
    "job!=\"web\"",
    "namespace=~\"ed.*\"",
    "pod!~\".*-1\"",
    "track=\"canary\"",
    "track!=\"canary\"",
    "code=~\"5..\"",
    "code!=\"\"",
    "nothing=\"\"",
    "pod=~\"gateway-.+|web-7f3a-0\"",
];
const LABELS: [&str; 6] = ["job", "namespace", "pod", "track", "code", "nothing"];
const WINDOWS: [&str; 7] = ["30s", "1m", "2m", "5m", "12m", "1h", "47s"];

impl Generator {
    /// One with a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed) }
    }

    /// A time, to the millisecond.
    pub fn time(&mut self, from: i64, to: i64) -> i64 {
        let time = self.random.i64(from..to);
        if self.random.bool() { time } else { time / 15_000 * 15_000 }
    }

    /// A few dozen times.
    pub fn steps(&mut self) -> pilothouse::demo::promql::Steps {
        let start = self.time(super::START, super::END);
        let step = [1_000, 15_000, 17_500, 60_000, 300_000][self.random.usize(..5)];
        pilothouse::demo::promql::Steps { start, end: start + step * self.random.i64(1..40), step }
    }

    /// One query.
    pub fn query(&mut self) -> String {
        if self.random.u8(..12) == 0 { self.number(3) } else { self.vector(3) }
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.random.usize(..of.len())]
    }

    fn selector(&mut self, names: &[&str]) -> String {
        let name = self.one(names);
        let matchers: Vec<&str> = (0..self.random.usize(..3)).map(|_| self.one(&MATCHERS)).collect();
        if matchers.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", matchers.join(",")) }
    }

    fn moved(&mut self) -> &'static str {
        match self.random.u8(..12) {
            0 => " offset 4m",
            1 => " offset -90s",
            2 => " @ 1767600000.5",
            3 => " @ start()",
            4 => " @ end() offset 1m",
            _ => "",
        }
    }

    fn range(&mut self, names: &[&str], depth: usize) -> String {
        let window = self.one(&WINDOWS);
        if depth > 0 && self.random.u8(..8) == 0 {
            let step = self.one(&["", "30s", "45s", "1m"]);
            let inner = self.vector(depth - 1);
            return format!("({inner})[{window}:{step}]{}", self.moved());
        }
        format!("{}[{window}]{}", self.selector(names), self.moved())
    }

    fn number(&mut self, depth: usize) -> String {
        match self.random.u8(..if depth == 0 { 2 } else { 6 }) {
            0 => format!("{}", self.random.i32(-5..50)),
            1 => format!("{:.2}", self.random.f64()),
            2 => "time()".to_owned(),
            3 => format!("scalar({})", self.vector(depth - 1)),
            4 => format!("({} {} {})", self.number(depth - 1), self.one(&["+", "-", "*", "/", "%", "^"]), self.number(depth - 1)),
            _ => format!("({} {} bool {})", self.number(depth - 1), self.one(&["<", ">=", "==", "!="]), self.number(depth - 1)),
        }
    }

    fn grouping(&mut self) -> String {
        let labels: Vec<&str> = (0..self.random.usize(..4)).map(|_| self.one(&LABELS)).collect();
        match self.random.u8(..4) {
            0 => String::new(),
            1 => format!(" without ({})", labels.join(",")),
            _ => format!(" by ({})", labels.join(",")),
        }
    }

    fn matching(&mut self) -> String {
        let labels: Vec<&str> = (0..self.random.usize(1..3)).map(|_| self.one(&LABELS)).collect();
        let labels = labels.join(",");
        match self.random.u8(..5) {
            0 => format!("on ({labels})"),
            1 => format!("ignoring ({labels})"),
            2 => format!("on (pod) group_left ({})", self.one(&LABELS)),
            _ => String::new(),
        }
    }

    fn vector(&mut self, depth: usize) -> String {
        if depth == 0 {
            let names = if self.random.bool() { COUNTERS } else { GAUGES };
            return format!("{}{}", self.selector(&names), self.moved());
        }
        match self.random.u8(..11) {
            0 | 1 => {
                let name = self.one(&["rate", "increase", "irate", "resets"]);
                format!("{name}({})", self.range(&COUNTERS, depth))
            }
            2 => {
                let name = self.one(&[
                    "delta",
                    "idelta",
                    "deriv",
                    "changes",
                    "avg_over_time",
                    "min_over_time",
                    "max_over_time",
                    "sum_over_time",
                    "count_over_time",
                    "last_over_time",
                    "present_over_time",
                    "stddev_over_time",
                    "absent_over_time",
                ]);
                format!("{name}({})", self.range(&GAUGES, depth))
            }
            3 | 4 => {
                let name = self.one(&["sum", "avg", "min", "max", "count", "group", "stddev", "quantile"]);
                let parameter = if name == "quantile" { format!("{:.2}, ", self.random.f64() * 1.1) } else { String::new() };
                format!("{name}{} ({parameter}{})", self.grouping(), self.vector(depth - 1))
            }
            5 => {
                let name = self.one(&["abs", "ceil", "floor", "sgn", "round", "timestamp", "sort", "absent"]);
                format!("{name}({})", self.vector(depth - 1))
            }
            6 => {
                let sign = self.one(&["+", "-", "*", "/", "%", ">", "<=", "!=", "> bool"]);
                if self.random.bool() {
                    format!("({} {sign} {})", self.vector(depth - 1), self.number(1))
                } else {
                    format!("({} {sign} {})", self.number(1), self.vector(depth - 1))
                }
            }
            7 => {
                let same = self.selector(&GAUGES);
                let sign = self.one(&["+", "-", "/", ">", "== bool"]);
                format!("({same} {sign} {} {})", self.matching(), self.vector(depth - 1))
            }
            8 => format!("({} {} {})", self.vector(depth - 1), self.one(&["and", "or", "unless"]), self.vector(depth - 1)),
            9 => {
                let family = self.one(&["http_server_request_duration_seconds_bucket", "http_request_duration_seconds_bucket"]);
                let window = self.one(&WINDOWS);
                let labels = self.one(&["le", "le,track", "le,job,namespace"]);
                format!("histogram_quantile({:.3}, sum by ({labels}) (rate({family}[{window}])))", self.random.f64())
            }
            _ => format!("clamp_min({}, {})", self.vector(depth - 1), self.number(1)),
        }
    }
}

//! The samples that both sides have: three hours every 15 seconds, each series at its own moment, with counters that begin anew,
//! gaps that are longer than the lookback, and numbers that are none.

use std::fmt::Write as _;

use pilothouse::demo::promql::labels::{Labels, Text};
use pilothouse::demo::promql::number::written;
use pilothouse::demo::promql::series::{Kept, Point};

/// 2026-01-05 06:00, in milliseconds.
pub const START: i64 = 1_767_592_800_000;
/// Three hours later.
pub const END: i64 = START + 3 * 3_600_000;
const SCRAPE: i64 = 15_000;
const BOUNDS: [&str; 8] = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"];

/// All series, those of one metric together.
pub fn series() -> Vec<Kept> {
    let mut maker = Maker { random: fastrand::Rng::with_seed(11), made: Vec::new() };
    maker.requests();
    maker.durations();
    maker.gauges();
    maker.mesh();
    maker.made.sort_by(|a, b| a.labels.get("__name__").cmp(b.labels.get("__name__")));
    maker.made
}

/// The same as a text that promtool makes blocks of.
pub fn open_metrics(series: &[Kept]) -> String {
    let mut text = String::new();
    for series in series {
        let labels: Vec<String> = series.labels.rest().iter().map(|(key, value)| format!("{key}={:?}", &**value)).collect();
        let name = format!("{}{{{}}}", series.labels.get("__name__"), labels.join(","));
        for point in series.points.iter() {
            let (seconds, rest) = (point.at.div_euclid(1000), point.at.rem_euclid(1000));
            let _ = writeln!(text, "{name} {} {seconds}.{rest:03}", written(point.value));
        }
    }
    text + "# EOF\n"
}

struct Maker {
    random: fastrand::Rng,
    made: Vec<Kept>,
}

impl Maker {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], offset: i64, value: impl FnMut(&mut fastrand::Rng, i64) -> Option<f64>) {
        let all = labels.iter().copied().chain([("__name__", name)]);
        let labels = Labels::new(all.map(|(key, value)| (Text::from(key), Text::from(value))));
        let mut value = value;
        let mut points = Vec::new();
        let mut at = START + offset;
        while at <= END {
            points.extend(value(&mut self.random, (at - START) / SCRAPE).map(|value| Point { at, value }));
            at += SCRAPE;
        }
        self.made.push(Kept { labels, points: points.into() });
    }

    /// Counters of requests as the presets want them: by pod, hash, track and code.
    fn requests(&mut self) {
        for (namespace, job) in [("edge", "gateway"), ("shop", "web")] {
            for (hash, track, pods) in [("7f3a", "stable", 3), ("9c1d", "canary", 1)] {
                for pod in 0..pods {
                    let pod = format!("{job}-{hash}-{pod}");
                    let offset = self.random.i64(0..SCRAPE);
                    for code in ["200", "404", "500"] {
                        let speed = match code {
                            "200" => 300.0,
                            "404" => 10.0,
                            _ => 3.0,
                        };
                        let labels = [
                            ("namespace", namespace),
                            ("job", job),
                            ("service", job),
                            ("track", track),
                            ("pod", &*pod),
                            ("rollouts_pod_template_hash", hash),
                            ("code", code),
                            ("status", code),
                            ("method", "GET"),
                        ];
                        let began_anew = self.random.i64(200..700);
                        let mut count = self.random.f64() * 1000.0;
                        self.add("http_requests_total", &labels, offset, move |random, step| {
                            count = if step == began_anew { 0.0 } else { count + (random.f64() * speed).floor() };
                            Some(count)
                        });
                    }
                }
            }
        }
    }

    /// Histograms in the names of the presets.
    fn durations(&mut self) {
        let families =
            [("http_server_request_duration_seconds", "http_response_status_code"), ("http_request_duration_seconds", "code")];
        for ((family, code), (hash, track)) in
            families.into_iter().flat_map(|family| [("7f3a", "stable"), ("9c1d", "canary")].map(|track| (family, track)))
        {
            for status in ["200", "503"] {
                let pod = format!("gateway-{hash}-0");
                let labels = [
                    ("namespace", "edge"),
                    ("job", "gateway"),
                    ("track", track),
                    ("pod", &*pod),
                    ("rollouts_pod_template_hash", hash),
                    (code, status),
                ];
                let offset = self.random.i64(0..SCRAPE);
                let shares: Vec<f64> = (0..BOUNDS.len()).map(|_| self.random.f64() * 20.0).collect();
                let mut sum = 0.0;
                for (bound, share) in BOUNDS.iter().zip(&shares) {
                    sum += share;
                    let (own, mut count) = (sum, 0.0);
                    let labels: Vec<_> = labels.iter().copied().chain([("le", *bound)]).collect();
                    self.add(&format!("{family}_bucket"), &labels, offset, move |_, _| {
                        count += own;
                        Some(count.floor())
                    });
                }
                for (end, speed) in [("count", sum), ("sum", sum * 0.31)] {
                    let mut count = 0.0;
                    self.add(&format!("{family}_{end}"), &labels, offset, move |_, _| {
                        count += speed;
                        Some(count)
                    });
                }
            }
        }
    }

    fn gauges(&mut self) {
        for (job, pod) in
            [("gateway", "gateway-7f3a-0"), ("gateway", "gateway-9c1d-0"), ("web", "web-7f3a-0"), ("web", "web-7f3a-1")]
        {
            let offset = self.random.i64(0..SCRAPE);
            let namespace = if job == "web" { "shop" } else { "edge" };
            let labels = [("namespace", namespace), ("job", job), ("pod", pod)];
            let mut level = self.random.f64() * 10.0 - 5.0;
            self.add("temperature", &labels, offset, move |random, _| {
                level += random.f64() - 0.5;
                Some(level)
            });
            self.add("up", &labels, offset, |_, step| Some(if step % 97 == 0 { 0.0 } else { 1.0 }));
            // Six minutes of every quarter of an hour are missing.
            self.add("gappy", &labels, offset, |random, step| (step % 60 >= 24).then(|| random.f64() * 100.0));
            self.add("odd", &labels, offset, |random, step| {
                Some(match step % 40 {
                    0 => f64::NAN,
                    1 => f64::INFINITY,
                    _ => random.f64(),
                })
            });
            let resources = [("namespace", namespace), ("job", job), ("pod", pod), ("container", job)];
            let mut used = 0.0;
            self.add("container_cpu_usage_seconds_total", &resources, offset, move |random, _| {
                used += random.f64() * 7.0;
                Some(used)
            });
            let limits: Vec<_> = resources.iter().copied().chain([("resource", "cpu"), ("unit", "core")]).collect();
            self.add("kube_pod_container_resource_limits", &limits, offset, |_, _| Some(0.5));
            self.add("owner", &[("pod", pod), ("team", job)], offset, |_, _| Some(1.0));
        }
    }

    fn mesh(&mut self) {
        for (service, code) in [("gateway-canary", "200"), ("gateway-canary", "503"), ("gateway-stable", "200")] {
            let offset = self.random.i64(0..SCRAPE);
            let istio = [
                ("destination_service_name", service),
                ("destination_workload_namespace", "edge"),
                ("reporter", "destination"),
                ("response_code", code),
            ];
            let nginx = [("namespace", "edge"), ("service", service), ("status", code), ("ingress", "gateway")];
            let class = if code == "200" { "success" } else { "failure" };
            let workload = if service == "gateway-canary" { "gateway" } else { "gateway-primary" };
            let linkerd = [("namespace", "edge"), ("deployment", workload), ("direction", "inbound"), ("classification", class)];
            let families: [(&str, &[(&str, &str)]); 3] =
                [("istio_requests_total", &istio), ("nginx_ingress_controller_requests", &nginx), ("response_total", &linkerd)];
            for (family, labels) in families {
                let mut count = 0.0;
                self.add(family, labels, offset, move |random, _| {
                    count += (random.f64() * 90.0).floor();
                    Some(count)
                });
            }
            let histograms: [(&str, &[(&str, &str)]); 3] = [
                ("istio_request_duration_milliseconds_bucket", &istio),
                ("nginx_ingress_controller_request_duration_seconds_bucket", &nginx),
                ("response_latency_ms_bucket", &linkerd[..3]),
            ];
            for (family, labels) in histograms.into_iter().filter(|(family, _)| code == "200" || !family.starts_with("response")) {
                let mut sum = 0.0;
                for bound in BOUNDS {
                    sum += self.random.f64() * 10.0;
                    let (own, mut count) = (sum, 0.0);
                    let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
                    self.add(family, &labels, offset, move |_, _| {
                        count += own;
                        Some(count)
                    });
                }
            }
        }
    }
}

//! All integration tests in one binary: kube makes each binary slow to link.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr, missing_docs)]
#![allow(clippy::pedantic, clippy::too_many_arguments, clippy::string_slice, clippy::self_named_module_files)]

mod support;

mod acting;
mod acts;
mod captures_act;
mod captures_act_flagger;
mod captures_read;
mod cli;
mod cli_ledger;
mod cli_metrics;
mod courses;
mod dialogs;
mod files;
mod finding;
mod gated;
mod gates;
mod gates_world;
mod guard;
mod inspect;
mod keys;
mod kubectl;
mod ledger;
mod liars;
mod metrics;
mod metrics_tls;
mod metrics_world;
mod promql;
mod pty;
mod readme;
mod real;
mod screens;
mod signals;
mod sources;
mod tidy;
mod world;

//! What Flagger does with a Canary, in its own numbers: phase, weight and where it goes, failed checks, target.
//!
//! ```text
//! phase   Progressing  New revision detected, progressing canary analysis.
//! weight   30% ███████▌·················  by 10% up to 50%, every 1m
//! checks   1 of 5 failed
//! target  Deployment podinfo · istio
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::pen::{Pen, row};
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::bar;
use crate::domain::flagger::interval_seconds;
use crate::domain::object::Canary;
use crate::domain::release::Release;

/// Cells of the labels.
const LABEL: u16 = 8;

/// Draws the lines; gives what is left below.
pub fn draw(canary: &Canary, release: &Release, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let (plain, dim) = (theme.style(Role::Text), theme.style(Role::Dim));
    let (status, analysis) = (&canary.status, &canary.spec.analysis);
    let mut place = 0;
    let mut line = |label: &str, write: &mut dyn FnMut(&mut Pen<'_>)| {
        let mut pen = Pen::new(buffer, row(area, place));
        pen.column(label, LABEL, dim);
        write(&mut pen);
        place += 1;
    };
    let phase = if status.phase.is_empty() { "not looked at yet" } else { &status.phase };
    line("phase", &mut |pen| {
        pen.put(phase, plain).skip(2);
        if release.why.is_none() {
            pen.put(&release.message, dim);
        }
    });
    if let Some(weight) = release.shown_weight.filter(|_| !release.promoted) {
        line("weight", &mut |pen| {
            pen.column_right(&format!("{weight}%"), 4, theme.style(Role::Strong)).skip(1);
            let cells = pen.room().saturating_sub(34).min(24);
            if cells >= 6 {
                bar::draw(pen, theme, weight, cells, Role::Canary);
                pen.skip(2);
            }
            pen.put(&plan(canary), dim);
        });
    }
    if analysis.threshold > 0 && !release.promoted {
        let failed = status.failed_checks;
        line("checks", &mut |pen| {
            let style = if failed > 0 { theme.style(Role::Warn) } else { plain };
            pen.put(&format!("{failed} failed, {} roll it back", analysis.threshold), style);
        });
    }
    let target = &canary.spec.target_ref;
    line("target", &mut |pen| {
        pen.put(&format!("{} {}", target.kind, target.name), plain);
        if !canary.spec.provider.is_empty() {
            pen.put(&format!(" · {}", canary.spec.provider), dim);
        }
    });
    let place = u16::min(place, area.height);
    Rect { y: area.y + place, height: area.height - place, ..area }
}

/// How it goes on: `by 10% up to 50%, every 1m`.
fn plan(canary: &Canary) -> String {
    let analysis = &canary.spec.analysis;
    let every = text::age(interval_seconds(canary));
    if !analysis.step_weights.is_empty() {
        let weights: Vec<_> = analysis.step_weights.iter().map(|weight| format!("{weight}%")).collect();
        return format!("by way of {}, every {every}", weights.join(" "));
    }
    match (analysis.step_weight, analysis.max_weight) {
        (Some(step), Some(max)) => format!("by {step}% up to {max}%, every {every}"),
        (Some(step), None) => format!("by {step}%, every {every}"),
        _ => format!("every {every}"),
    }
}

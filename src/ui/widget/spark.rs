//! A series in one line, newest at the right: `▁▁▂▃▅▇█`. The top of a cell is an upper limit: what is over it is full, and in the colour
//! of what is wrong. A gap is an empty cell.

use jiff::Timestamp;

use crate::domain::series::Series;
use crate::domain::signal::{Comparator, Limit};
use crate::ui::pen::Pen;
use crate::ui::theme::{Role, Theme};
use crate::ui::widget::resample::{Span, line};

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws the span before `end` in so many cells: in each the worst value of its part.
pub fn draw(pen: &mut Pen<'_>, theme: &Theme, (series, limit): (&Series, Limit), (seconds, end): (u32, Timestamp), cells: u16) {
    let cells = cells.min(pen.room());
    let span = Span::before(end, seconds, usize::from(cells));
    let values = line(&[series], span, limit);
    let top = top(&values, limit);
    for value in values {
        match value {
            Some(value) => {
                let style = if limit.holds(f64::from(value)) { theme.fill(Role::Dim) } else { theme.style(Role::Bad) };
                pen.put(level(value, top), style);
            }
            None => {
                pen.skip(1);
            }
        }
    }
}

/// What fills a cell: an upper limit; else a little more than the largest value.
fn top(values: &[Option<f32>], limit: Limit) -> f32 {
    let largest = values.iter().flatten().copied().fold(0.0_f32, f32::max);
    #[expect(clippy::cast_possible_truncation, reason = "a few digits are enough for eight levels")]
    let threshold = limit.threshold as f32;
    let upper = matches!(limit.comparator, Comparator::Less | Comparator::AtMost);
    // Against a lower limit nothing is full, or what is much would look like what is too much.
    if upper && threshold > 0.0 { threshold } else { largest * 1.3 }
}

fn level(value: f32, top: f32) -> &'static str {
    let part = if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
    let place = (part * 7.0).round() as usize;
    LEVELS.get(place).copied().unwrap_or("█")
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    fn drawn(values: &[f32], comparator: Comparator, cells: u16) -> String {
        let series = Series::new(Timestamp::UNIX_EPOCH, 15, values.to_vec());
        let mut buffer = Buffer::empty(Rect::new(0, 0, cells, 1));
        let area = buffer.area;
        let limit = Limit { comparator, threshold: 1.0 };
        let end = series.end().unwrap();
        let seconds = 15 * u32::try_from(values.len()).unwrap();
        draw(&mut Pen::new(&mut buffer, area), &Theme::default(), (&series, limit), (seconds, end), cells);
        crate::ui::export::plain(&buffer).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn the_limit_fills_a_cell_and_a_gap_is_empty() {
        assert_eq!(drawn(&[0.0, 0.5, f32::NAN, 1.0, 3.0], Comparator::Less, 5), "▁▅ ██");
        assert_eq!(drawn(&[200.0, 100.0, 0.0], Comparator::Greater, 3), "▆▄▁");
        // Two values in a cell: the worse one is shown.
        assert_eq!(drawn(&[0.0, 1.0, 0.0, 0.0], Comparator::Less, 2), "█▁");
        assert_eq!(drawn(&[0.0, 0.0], Comparator::Less, 2), "▁▁");
    }
}

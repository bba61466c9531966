//! A share of traffic as a bar with eighths of a cell: `████▌·······`.

use crate::ui::pen::Pen;
use crate::ui::theme::{Role, Theme};

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Draws a share of 0 to 100 in so many cells. A share above 0 shows at least an eighth, one below 100 leaves at least one.
pub fn draw(pen: &mut Pen<'_>, theme: &Theme, share: i64, cells: u16, role: Role) {
    let cells = cells.min(pen.room());
    let (full, eighth) = split(share, cells);
    let style = theme.fill(role);
    pen.fill("█", full, style);
    let part = EIGHTHS.get(usize::from(eighth)).copied().unwrap_or_default();
    let partly = u16::from(!part.is_empty());
    pen.fill(part, partly, style);
    pen.fill("·", cells.saturating_sub(full + partly), theme.style(Role::Faint));
}

/// Full cells, and eighths of the next one.
fn split(share: i64, cells: u16) -> (u16, u16) {
    let total = i64::from(cells) * 8;
    let share = share.clamp(0, 100);
    let mut eighths = (total * share + 50) / 100;
    if total > 0 && share > 0 {
        eighths = eighths.max(1);
    }
    if share < 100 {
        eighths = eighths.min((total - 1).max(0));
    }
    let eighths = u16::try_from(eighths).unwrap_or_default();
    (eighths / 8, eighths % 8)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn shares_are_drawn_to_an_eighth_and_never_lie_at_the_ends() {
        assert_eq!(split(0, 10), (0, 0));
        assert_eq!(split(1, 10), (0, 1));
        assert_eq!(split(25, 10), (2, 4));
        assert_eq!(split(50, 10), (5, 0));
        assert_eq!(split(99, 10), (9, 7));
        assert_eq!(split(100, 10), (10, 0));
        assert_eq!(split(250, 10), (10, 0));
        assert_eq!((split(50, 0), split(1, 1)), ((0, 0), (0, 1)));
    }
}

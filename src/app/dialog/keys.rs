//! Keys, pastes and the mouse in a dialog. What is typed here never reaches the screen below.

use ratatui::layout::Position;

use super::super::effect::Effect;
use super::super::msg::MouseKind;
use super::super::state::State;
use super::{Dialog, Focus, change, confirm, policy, with_release};
use crate::config::Policy;
use crate::input::{Code, Command, KeyPress};

/// Rows that a page of a dialog goes.
const PAGE: isize = 5;

/// What a key came to.
enum Next {
    /// Nothing more.
    Stay,
    /// The button was pressed.
    Confirm,
    /// The text of the plan is wanted.
    Copy,
    /// Back to the screen.
    Cancel,
}

/// A key was pressed.
pub(in crate::app) fn key(state: &mut State, key: KeyPress) -> Vec<Effect> {
    if key.text().is_none() && state.keymap.command(key) == Some(Command::Redraw) {
        return vec![Effect::Redraw];
    }
    let next = change(state, |state, dialog| {
        dialog.touched = true;
        let Some(environment) = state.environment_named(dialog.environment) else { return Next::Cancel };
        let next = dialog.key_pressed(key, policy(environment));
        follow_image(state, dialog);
        next
    });
    keep_scroll(state);
    match next {
        Some(Next::Confirm) => confirm::confirm(state),
        Some(Next::Copy) => confirm::copy(state),
        Some(Next::Cancel) => {
            state.overlay = None;
            Vec::new()
        }
        Some(Next::Stay) | None => Vec::new(),
    }
}

/// A text was pasted: into the field that has the keys, nowhere else.
pub(in crate::app) fn paste(state: &mut State, text: &str) {
    change(state, |state, dialog| {
        dialog.touched = true;
        if let Some(field) = dialog.field_mut() {
            field.paste(text);
        }
        follow_image(state, dialog);
    });
}

/// The mouse did something in the window or beside it.
pub(in crate::app) fn mouse(state: &mut State, what: MouseKind, at: Position) -> Vec<Effect> {
    let pressed = state.layout().and_then(|layout| layout.page).and_then(|page| page.at(at));
    match what {
        MouseKind::ScrollUp | MouseKind::ScrollDown => {
            let by = if what == MouseKind::ScrollUp { -1 } else { 1 };
            change(state, |_, dialog| dialog.scroll_by(by));
            keep_scroll(state);
        }
        MouseKind::Press => {
            change(state, |_, dialog| {
                dialog.touched = true;
                if let Some(focus) = pressed.filter(|focus| *focus != Focus::Cancel) {
                    dialog.focus = focus;
                }
            });
            match pressed {
                Some(Focus::Confirm) => return confirm::confirm(state),
                Some(Focus::Cancel) => state.overlay = None,
                Some(Focus::Image | Focus::Reason | Focus::Ticket | Focus::Name) | None => {}
            }
        }
    }
    Vec::new()
}

/// Never past the last row.
fn keep_scroll(state: &mut State) {
    let hidden = state.layout().and_then(|layout| layout.page).map_or(0, |page| page.hidden);
    change(state, |_, dialog| dialog.scroll = dialog.scroll.min(hidden + usize::from(hidden > 0)));
}

/// The plan of a new image follows what is typed, as long as the release is the one that was seen.
fn follow_image(state: &State, dialog: &mut Dialog) {
    if dialog.focus == Focus::Image && confirm::moved(state, dialog).is_none() {
        with_release(state, dialog, Dialog::plan_anew);
    }
}

impl Dialog {
    fn key_pressed(&mut self, key: KeyPress, policy: &Policy) -> Next {
        match (key.code, key.ctrl, key.alt) {
            (Code::Esc, ..) => return Next::Cancel,
            (Code::Char('s'), true, false) => return Next::Confirm,
            (Code::Tab, ..) if self.plans.len() > 1 => self.turn(if key.shift { -1 } else { 1 }),
            (Code::PageUp, ..) => self.scroll_by(-PAGE),
            (Code::PageDown, ..) => self.scroll_by(PAGE),
            (Code::Char(digit @ '1'..='9'), false, true) => self.preset(digit, policy),
            (Code::Enter, false, false) => match self.focus {
                Focus::Confirm => return Next::Confirm,
                Focus::Cancel => return Next::Cancel,
                Focus::Image | Focus::Reason | Focus::Ticket | Focus::Name => self.next_field(policy),
            },
            _ => {
                let taken = self.field_mut().is_some_and(|field| field.key(key));
                if !taken {
                    return self.move_or_choose(key, policy);
                }
            }
        }
        Next::Stay
    }

    /// Keys that no field wants: between fields, and on the buttons.
    fn move_or_choose(&mut self, key: KeyPress, policy: &Policy) -> Next {
        let on_button = matches!(self.focus, Focus::Cancel | Focus::Confirm);
        match key.code {
            Code::Up => self.move_focus(-1, policy),
            Code::Down => self.move_focus(1, policy),
            Code::Tab => self.move_focus(if key.shift { -1 } else { 1 }, policy),
            Code::Left if on_button => self.focus = Focus::Cancel,
            Code::Right if on_button => self.focus = Focus::Confirm,
            Code::Char(digit @ '1'..='9') if on_button => self.choose(place(digit)),
            Code::Char('y') if on_button && self.plan().is_some_and(|plan| plan.draft.is_some()) => return Next::Copy,
            _ => {}
        }
        Next::Stay
    }

    fn next_field(&mut self, policy: &Policy) {
        let fields = self.focuses(policy);
        let after = fields.iter().skip_while(|focus| **focus != self.focus).nth(1).copied();
        // Enter never lands on the button that leaves.
        self.focus = after.filter(|focus| *focus != Focus::Cancel).unwrap_or(Focus::Confirm);
    }

    fn move_focus(&mut self, by: isize, policy: &Policy) {
        let mut all = self.focuses(policy);
        // Up from the button is the last field; the other button is beside it.
        all.retain(|focus| *focus != Focus::Cancel);
        let here = if self.focus == Focus::Cancel { Focus::Confirm } else { self.focus };
        let place = all.iter().position(|focus| *focus == here).unwrap_or_default();
        let next = place.saturating_add_signed(by).min(all.len().saturating_sub(1));
        if let Some(focus) = all.get(next) {
            self.focus = *focus;
        }
    }

    fn preset(&mut self, digit: char, policy: &Policy) {
        if let Some(words) = policy.presets.get(place(digit)) {
            self.reason.append(words);
        }
    }

    fn scroll_by(&mut self, by: isize) {
        self.scroll = self.scroll.saturating_add_signed(by);
    }
}

/// The place of a digit, from 0.
fn place(digit: char) -> usize {
    digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or_default().saturating_sub(1)
}

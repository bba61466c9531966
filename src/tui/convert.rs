//! Between the terminal's library and the core: events in, the clipboard's escape sequence out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use crate::app::{Mouse, MouseKind, Msg};
use crate::input::{Code, KeyPress};

/// What an event means to the core; None if nothing.
pub(super) fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => press(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Mouse(mouse) => {
            let what = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseKind::Press,
                MouseEventKind::ScrollUp => MouseKind::ScrollUp,
                MouseEventKind::ScrollDown => MouseKind::ScrollDown,
                _ => return None,
            };
            Some(Msg::Mouse(Mouse { what, column: mouse.column, row: mouse.row }))
        }
        // The size is followed by its signal, which this library does not hear before its first poll.
        Event::Resize(..) | Event::Key(_) | Event::FocusGained | Event::FocusLost => None,
    }
}

fn press(key: KeyEvent) -> Option<KeyPress> {
    let code = match key.code {
        KeyCode::Char(letter) => Code::Char(letter),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab | KeyCode::BackTab => Code::Tab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    let held = |modifier| key.modifiers.contains(modifier);
    let shift = held(KeyModifiers::SHIFT) || key.code == KeyCode::BackTab;
    Some(KeyPress { code, ctrl: held(KeyModifiers::CONTROL), alt: held(KeyModifiers::ALT), shift }.canonical())
}

/// Asks the terminal to put a text on the clipboard (OSC 52), also through a remote shell.
pub(super) fn clipboard(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<String> {
        match message(Event::Key(KeyEvent::new(code, modifiers))) {
            Some(Msg::Key(key)) => Some(key.to_string()),
            _ => None,
        }
    }

    #[test]
    fn keys_arrive_as_people_write_them() {
        let (none, ctrl, shift) = (KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::SHIFT);
        assert_eq!(key(KeyCode::Char('j'), none).as_deref(), Some("j"));
        assert_eq!(key(KeyCode::Char('G'), shift).as_deref(), Some("G"));
        assert_eq!(key(KeyCode::Char('d'), ctrl).as_deref(), Some("ctrl-d"));
        assert_eq!(key(KeyCode::BackTab, shift).as_deref(), Some("shift-tab"));
        assert_eq!(key(KeyCode::CapsLock, none), None);
        let mut released = KeyEvent::new(KeyCode::Char('q'), none);
        released.kind = KeyEventKind::Release;
        assert!(message(Event::Key(released)).is_none());
    }

    #[test]
    fn the_clipboard_gets_base64() {
        assert_eq!(clipboard("shop/gateway"), "\x1b]52;c;c2hvcC9nYXRld2F5\x07");
    }
}

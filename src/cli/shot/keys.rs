//! Keys in one word: `jj<enter>`, `/web<esc>`, `<ctrl-d>`.

use crate::input::KeyPress;

/// The keys of a text, or what in it is no key.
pub fn parse(text: &str) -> Result<Vec<KeyPress>, String> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).filter(|(name, _)| !name.is_empty());
        let (name, tail) = match named {
            Some((name, tail)) => (name.to_owned(), tail),
            None => (letter.to_string(), rest.get(letter.len_utf8()..).unwrap_or_default()),
        };
        let name = if name == " " { "space".to_owned() } else { name };
        keys.push(name.parse().map_err(|error| format!("--keys: {error}"))?);
        rest = tail;
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_letters_and_names_in_brackets() {
        let labels = |text: &str| parse(text).unwrap().iter().map(|key| key.label()).collect::<Vec<_>>();
        assert_eq!(labels("j<enter>/a b<ctrl-d><"), ["j", "⏎", "/", "a", "Space", "b", "^D", "<"]);
        assert!(parse("<entre>").unwrap_err().contains("entre"));
    }
}

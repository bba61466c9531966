//! What looks like a credential, and how it is masked wherever text is kept: in the log and on the ledger. Holds no secret.

/// Words after which a credential stands.
const BEFORE_SECRETS: [&str; 6] = ["bearer ", "basic ", "token=", "password=", "secret=", "client-key-data: "];

/// Replaces what looks like a credential: what follows `Bearer`, `token=` and the like, and anything shaped like a JWT.
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) = secret(rest) {
        masked.push_str(rest.get(..start).unwrap_or_default());
        masked.push_str("***");
        rest = rest.get(end..).unwrap_or_default();
    }
    masked + rest
}

/// Byte range of the first secret.
fn secret(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let after_word = BEFORE_SECRETS.iter().filter_map(|word| lower.find(word).map(|at| at + word.len())).min();
    let mut start = after_word.into_iter().chain(text.find("eyJ")).min()?;
    // `token=Bearer abc`: what follows may be another such word.
    while let Some(word) = BEFORE_SECRETS.iter().find(|word| lower.get(start..).is_some_and(|tail| tail.starts_with(**word))) {
        start += word.len();
    }
    let tail = text.get(start..)?;
    let length = tail.find(|letter: char| letter.is_whitespace() || "\"',&)}]".contains(letter)).unwrap_or(tail.len());
    Some((start, start + length))
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn credentials_are_masked_wherever_they_stand() {
        let check = |text: &str, expected: &str| assert_eq!(mask(text), expected);
        check("plain words", "plain words");
        check("Authorization: Bearer abc.def, then", "Authorization: Bearer ***, then");
        check("GET /x?token=s3cret&watch=1", "GET /x?token=***&watch=1");
        check("sent eyJhbGciOi.J9.sig twice: eyJx", "sent *** twice: ***");
        check("password=a password=b", "password=*** password=***");
        check("Bearer ", "Bearer ***");
    }
}

//! What looks like a credential, and how it is masked wherever text is kept: in the log and on the ledger. Holds no secret.

/// Words after which a credential stands.
const BEFORE_SECRETS: [&str; 14] = [
    "bearer ",
    "basic ",
    "token=",
    "token: ",
    "password=",
    "password: ",
    "secret=",
    "secret: ",
    "apikey=",
    "api_key=",
    "api-key: ",
    "client-key-data: ",
    // What follows is all that it takes to post to the channel.
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
];

/// How credentials begin that say themselves what they are: JWTs, and tokens of GitHub, GitLab, Slack and AWS.
const SHAPES: [&str; 12] =
    ["eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xapp-", "AKIA"];

/// Replaces what looks like a credential: what follows `Bearer`, `token=` and the like, the password in a URL, and anything shaped like
/// a token.
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
    let words = BEFORE_SECRETS.iter().filter_map(|word| lower.find(word).map(|at| at + word.len()));
    let token = words.chain(SHAPES.iter().filter_map(|shape| text.find(shape))).min().and_then(|start| to_end(text, &lower, start));
    [token, password(text)].into_iter().flatten().min()
}

/// From where a credential begins to where it ends.
fn to_end(text: &str, lower: &str, mut start: usize) -> Option<(usize, usize)> {
    // `token=Bearer  abc`: what follows may be another such word, or more blanks.
    loop {
        let tail = lower.get(start..)?;
        let word = BEFORE_SECRETS.iter().find(|word| tail.starts_with(**word)).map(|word| word.len());
        match word.or(tail.starts_with(' ').then_some(1)) {
            Some(length) => start += length,
            None => break,
        }
    }
    let tail = text.get(start..)?;
    let length = tail.find(|letter: char| letter.is_whitespace() || "\"',&)}]".contains(letter)).unwrap_or(tail.len());
    Some((start, start + length))
}

/// The password of the first URL that has one.
fn password(text: &str) -> Option<(usize, usize)> {
    text.match_indices("://").find_map(|(at, mark)| {
        let start = at + mark.len();
        let rest = text.get(start..)?;
        let authority = rest.split(|letter: char| letter.is_whitespace() || "/?#\"'".contains(letter)).next()?;
        let end = authority.rfind('@')?;
        let colon = authority.get(..end)?.find(':')?;
        Some((start + colon + 1, start + end))
    })
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
        check("Bearer  abc x", "Bearer  *** x");
        check("Password: hunter2, he said", "Password: ***, he said");
        check("ghp_abc and xoxb-1-2", "*** and ***");
        check("POST https://hooks.slack.com/services/T0/B0/abc failed", "POST https://hooks.slack.com/services/*** failed");
        check("http://dana:s3:c@ret@host/x http://a:b@c", "http://dana:***@host/x http://a:***@c");
        check("https://host:8443/a@b and dana@host:1", "https://host:8443/a@b and dana@host:1");
    }
}

//! What verbs offer, what is sent, and how effects are seen.

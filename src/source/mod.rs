//! The outside world coming in: facts and health, never decisions.

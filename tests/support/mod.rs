//! What the tests share: fixtures, servers, scripts of keys.

pub mod admin;
pub mod api_server;
pub mod eyes;
pub mod source_stories;
pub mod company;
pub mod picture;

//! What the tests share: fixtures, servers, scripts of keys.

//! The embedded controller acts out every recorded story.

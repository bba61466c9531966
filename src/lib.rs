#![doc = include_str!("ARCHITECTURE.md")]

pub mod action;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod guard;
pub mod input;
pub mod ledger;
pub mod log;
pub mod source;
pub mod tui;
pub mod ui;
pub mod wire;

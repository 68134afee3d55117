//! Tokens that end: asked for, renewed once, lost, taken over from other processes.

mod commands;
mod crowd;
mod oauth;
mod service;
mod vault;

#[path = "../../renewal/mod.rs"]
pub mod harness;

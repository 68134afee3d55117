//! Tokens that end: asked for, renewed once, lost, taken over from other processes.

mod crowd;
mod oauth;
mod vault;

#[path = "../../renewal/mod.rs"]
pub mod harness;

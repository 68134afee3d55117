//! Event × operation → a recipe in the making: what an event tells and what an operation takes come in; a value
//! for each field that one can think of goes out, the steps around the call, examples, and the text of it all.
//! Nothing here knows whether the recipe is good: `check` says so, and the examples are played.

mod around;
mod draft;
mod example;
mod field;
mod names;
mod record;
mod told;
mod write;

pub use draft::{Choice, Draft, Missing, Need, Proposal};
pub use told::Told;

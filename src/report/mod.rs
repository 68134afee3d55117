//! Any noun → text, JSON, JUnit, GitHub annotations: what a person or another program reads.

mod diagnostics;
mod entries;
mod examples;
mod requests;
mod run;

pub use diagnostics::{FileDiagnostics, plural, summary};
pub use entries::{event_json, event_text, list_json, list_text, operation_json, operation_text};
pub use examples::{
    ExampleResult, RecipeExamples, examples_json, examples_junit, examples_text, totals,
};
pub use requests::DryRun;
pub use run::{run_ending, run_json, run_line};

//! Any noun → text, JSON, JUnit, GitHub annotations: what a person or another program reads.

mod connections;
mod diagnostics;
mod entries;
mod events;
mod examples;
mod explain;
mod findings;
mod flow;
mod guessed;
mod links;
mod recipes;
mod requests;
mod run;
mod run_history;
mod runs;
mod scopes;

pub use connections::{ConnectionList, ConnectionState, ConnectionSummary};
pub use diagnostics::{FileDiagnostics, plural, summary};
pub use entries::{event_json, event_text, list_json, list_text, operation_json, operation_text};
pub use events::{EventList, EventSummary};
pub use examples::{
    ExampleResult, RecipeExamples, examples_json, examples_junit, examples_text, totals,
};
pub use explain::{Calls, Explanation, explain};
pub use findings::{Finding, Verdict, bytes, findings_json, findings_text};
pub use flow::Flow;
pub use links::{LinkList, LinkRow};
pub use recipes::{RecipeList, RecipeSummary};
pub use requests::{AnswersFrom, DryRun};
pub use run::{run_ending, run_json, run_line};
pub use run_history::RunHistory;
pub use runs::{RunList, RunSummary, counted, minute};
pub use scopes::ConnectionScopes;

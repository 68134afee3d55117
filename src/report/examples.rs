//! The examples of recipes as they came out: text, JSON and JUnit.

use std::fmt::Write;
use std::time::Duration;

use comfy_table::Table;
use owo_colors::OwoColorize;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::plural;
use crate::execute::{Mismatch, MismatchKind};
use crate::journal::{Link, Outcome};

/// The examples of one recipe.
pub struct RecipeExamples {
    /// The recipe's file.
    pub file: String,
    pub examples: Vec<ExampleResult>,
    /// Why none could be run.
    pub unusable: Option<String>,
}

/// One example as it came out.
pub struct ExampleResult {
    pub name: String,
    pub line: usize,
    /// With the line of the recipe that expects it.
    pub mismatches: Vec<(usize, Mismatch)>,
    pub took: Duration,
}

impl RecipeExamples {
    fn passed(&self) -> usize {
        self.examples.iter().filter(|e| e.mismatches.is_empty()).count()
    }
}

/// As a person reads it.
pub fn examples_text(recipes: &[RecipeExamples]) -> String {
    let mut out = String::new();
    for recipe in recipes {
        let _ = writeln!(out, "{}", recipe.file.bold());
        if let Some(why) = &recipe.unusable {
            let _ = writeln!(out, "  {} {why}", "✗".red());
        } else if recipe.examples.is_empty() {
            let _ = writeln!(out, "  {} no examples", "–".yellow());
        }
        for example in &recipe.examples {
            if example.mismatches.is_empty() {
                let _ = writeln!(out, "  {} {}", "✓".green(), example.name);
                continue;
            }
            let _ = writeln!(out, "  {} {}", "✗".red(), example.name);
            for (line, mismatch) in &example.mismatches {
                let _ = writeln!(out, "\n    {}:{line}", recipe.file);
                for text in in_words(mismatch).lines() {
                    let _ = writeln!(out, "      {text}");
                }
            }
            out.push('\n');
        }
    }
    let (passed, failed) = totals(recipes);
    let _ = writeln!(
        out,
        "{} passed, {} failed in {}",
        passed,
        failed,
        plural(recipes.len(), "recipe")
    );
    out
}

/// How many examples passed and failed; a recipe that cannot be run counts as one that failed.
pub fn totals(recipes: &[RecipeExamples]) -> (usize, usize) {
    let passed: usize = recipes.iter().map(RecipeExamples::passed).sum();
    let all: usize =
        recipes.iter().map(|r| r.examples.len() + usize::from(r.unusable.is_some())).sum();
    (passed, all - passed)
}

/// For other programs.
pub fn examples_json(recipes: &[RecipeExamples]) -> Value {
    let (passed, failed) = totals(recipes);
    let recipes = recipes.iter().map(|recipe| {
        let examples = recipe.examples.iter().map(|example| {
            let mismatches = example.mismatches.iter().map(|(line, mismatch)| {
                let mut object = as_json(mismatch);
                object["line"] = (*line).into();
                object
            });
            json!({
                "name": example.name, "line": example.line,
                "passed": example.mismatches.is_empty(),
                "mismatches": mismatches.collect::<Vec<_>>(),
            })
        });
        json!({ "file": recipe.file, "examples": examples.collect::<Vec<_>>(), "unusable": recipe.unusable })
    });
    json!({ "format_version": 1, "passed": passed, "failed": failed, "recipes": recipes.collect::<Vec<_>>() })
}

/// For test reporters.
pub fn examples_junit(recipes: &[RecipeExamples]) -> String {
    let mut report = Report::new("linecook");
    for recipe in recipes {
        let mut suite = TestSuite::new(recipe.file.as_str());
        if let Some(why) = &recipe.unusable {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(why.as_str());
            suite.add_test_case(TestCase::new("the recipe", status));
        }
        for example in &recipe.examples {
            let status = if example.mismatches.is_empty() {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let text: Vec<String> = example
                    .mismatches
                    .iter()
                    .map(|(line, m)| format!("{}:{line}: {}", recipe.file, in_words(m)))
                    .collect();
                status.set_message(format!(
                    "{} of what is expected came out differently",
                    text.len()
                ));
                status.set_description(text.join(
                    "
",
                ));
                status
            };
            let mut case = TestCase::new(example.name.as_str(), status);
            case.set_classname(recipe.file.as_str());
            case.set_time(example.took);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("a report of plain texts can be written as XML")
}

fn in_words(mismatch: &Mismatch) -> String {
    match &mismatch.kind {
        MismatchKind::Outcome { expected, got } => side_by_side("the run", expected, &outcome(got)),
        MismatchKind::Missing { call } => side_by_side("call", call, "not sent"),
        MismatchKind::Extra { call, sent } => {
            side_by_side("call", "nothing here", &format!("{call}\n{}", pretty(sent)))
        }
        MismatchKind::Field { call, name, expected, sent } => {
            let sent = sent.as_ref().map_or_else(|| "left out".to_owned(), pretty);
            format!("{call}\n{}", side_by_side(name, &pretty(expected), &sent))
        }
        MismatchKind::Links { expected, got } => {
            let lines = |links: &[Link]| match links {
                [] => "none".to_owned(),
                links => links.iter().map(Link::to_string).collect::<Vec<_>>().join("\n"),
            };
            let mut table = Table::new();
            table.load_style(comfy_table::presets::NOTHING);
            table.set_header(["", "expected", "there at the end"]);
            table.add_row(["links", &lines(expected), &lines(got)]);
            table.trim_fmt()
        }
        MismatchKind::Unwanted { call, name, sent } => {
            format!("{call}\n{}", side_by_side(name, "left out", &pretty(sent)))
        }
    }
}

fn side_by_side(what: &str, expected: &str, sent: &str) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "expected", "sent"]);
    table.add_row([what, expected, sent]);
    table.trim_fmt()
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Stopped { reason, .. } => format!("stopped: {reason}"),
        Outcome::Held { question, .. } => format!("held: {}", question.text),
        Outcome::Waiting { until } => format!("waiting until {until}"),
        Outcome::Suspended { why } => format!("suspended: {why}"),
        Outcome::Failed(error) => {
            let field = error.field.as_ref().map(|f| format!("`{f}` ")).unwrap_or_default();
            format!("failed at {}: {field}{}", error.place.in_words(), error.message)
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn as_json(mismatch: &Mismatch) -> Value {
    match &mismatch.kind {
        MismatchKind::Outcome { expected, got } => {
            json!({ "what": "outcome", "expected": expected, "got": outcome(got) })
        }
        MismatchKind::Missing { call } => json!({ "what": "missing call", "call": call }),
        MismatchKind::Extra { call, sent } => {
            json!({ "what": "extra call", "call": call, "sent": sent })
        }
        MismatchKind::Field { call, name, expected, sent } => {
            json!({ "what": "field", "call": call, "field": name, "expected": expected, "sent": sent })
        }
        MismatchKind::Links { expected, got } => {
            json!({ "what": "links", "expected": expected, "got": got })
        }
        MismatchKind::Unwanted { call, name, sent } => {
            json!({ "what": "unwanted field", "call": call, "field": name, "sent": sent })
        }
    }
}

//! A recipe as its author wrote it. The same types read the file and give the JSON Schema; places in
//! the text live in the [`Document`], reached by [`Route`].

mod example;
mod hold;
mod retry;
mod safe;
mod schema;
mod setting;
mod step;
mod trigger;
mod words;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use example::{
    Example, ExampleEvent, Expect, ExpectedCall, ExpectedOutcome, Failure, Fault, Given,
    written_link,
};
pub use hold::Hold;
pub use retry::Retry;
pub use safe::{CustomFieldsWord, OnConflict, Patch};
pub use schema::{editor_schema, shape_schema, simplify_schema};
pub use setting::{Setting, Shape};
pub use step::{OnProblem, Step, Verb};
pub use trigger::{Missed, Take, Trigger};
pub use words::{BareExpression, ForEach, OneOrMore};

use crate::source::{Document, Route, Source};

/// A recipe: when this happens, check that, do these calls with these fields.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["name", "trigger", "steps"]))]
pub struct Recipe {
    /// The JSON Schema that editors follow.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What the recipe does, in one line.
    pub name: String,
    /// More about it: what it does for the business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What starts it.
    pub trigger: Trigger,
    /// What the person who installs the recipe fills in; templates read it as `settings.<name>`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub settings: IndexMap<String, Setting>,
    /// What it does, from top to bottom.
    pub steps: Vec<Step>,
    /// Events to try it with and what should be sent: documentation and test in one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

impl Recipe {
    /// The files of the recipes that its steps use, counted from its folder.
    pub fn used(&self) -> Vec<&str> {
        fn used<'a>(steps: &'a [Step], found: &mut Vec<&'a str>) {
            for step in steps {
                found.extend(step.used.as_deref());
                used(step.group.as_deref().unwrap_or_default(), found);
            }
        }
        let mut found = Vec::new();
        used(&self.steps, &mut found);
        found
    }
}

/// A recipe with the text it came from.
#[derive(Clone, Debug)]
pub struct RecipeFile {
    pub source: Source,
    pub document: Document,
    pub recipe: Recipe,
    /// Places whose shape is wrong and has been reported; what was written there is left out of
    /// `recipe`.
    pub broken: Vec<Route>,
}

impl RecipeFile {
    /// Whether something at or above `route` was left out because its shape is wrong.
    pub fn is_broken(&self, route: &Route) -> bool {
        self.broken.iter().any(|b| route.is_within(b))
    }

    /// Whether something at, above or inside `route` was left out.
    pub fn is_touched(&self, route: &Route) -> bool {
        self.broken.iter().any(|b| route.is_within(b) || b.is_within(route))
    }

    /// A scalar exactly as it is written in the file: `1.10` and not 1.1.
    pub fn written(&self, route: &Route) -> &str {
        self.source.slice(&self.document.value_span(route)).trim()
    }

    /// The line of a place, from 1.
    pub fn line(&self, route: &Route) -> usize {
        self.source.position(self.document.key_span(route).start).line
    }
}

//! A checked recipe in plain sentences: when it runs, what it reads and writes, what it never touches, what
//! one event costs. The same recipe always reads the same.

mod teller;
mod words;

pub(super) use words::{condition, title};

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::check::CheckedRecipe;

/// A recipe, told to somebody who did not write it.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    pub name: String,
    pub about: Option<String>,
    pub when: Vec<String>,
    pub settings: Vec<String>,
    /// With how deep each is inside others.
    pub steps: Vec<(usize, String)>,
    pub reads: Vec<String>,
    pub writes: Vec<String>,
    pub never: Vec<String>,
    pub calls: Calls,
    /// App → scopes that its connection needs.
    pub scopes: BTreeMap<String, BTreeSet<String>>,
}

/// How many calls one event makes when all goes well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub least: u32,
    /// Of lists one page each.
    pub most: u32,
    /// More for every item of these loops, and every further page of these lists.
    pub more_for: Vec<String>,
}

/// Tells a recipe; `about` is what its author says of it.
pub fn explain(recipe: &CheckedRecipe, about: Option<&str>, catalog: &Catalog) -> Explanation {
    let explanation = Explanation {
        name: recipe.name.clone(),
        about: about.map(str::to_owned),
        when: words::when(recipe, catalog),
        settings: recipe.settings.iter().map(|(name, s)| words::setting(name, s)).collect(),
        ..Explanation::default()
    };
    teller::tell(recipe, catalog, explanation)
}

impl Calls {
    fn in_words(&self) -> String {
        let number = match (self.least, self.most) {
            (least, most) if least == most => crate::report::plural(most as usize, "call"),
            (least, most) => format!("{least} to {}", crate::report::plural(most as usize, "call")),
        };
        match self.more_for.is_empty() {
            true => number,
            false => format!("{number}, and more for each {}", self.more_for.join(", each ")),
        }
    }
}

impl Explanation {
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.name);
        if let Some(about) = &self.about {
            text.push_str(&format!("{}\n", about.trim()));
        }
        let mut part = |title: &str, lines: &[String]| {
            if !lines.is_empty() {
                text.push_str(&format!("\n{title}\n"));
                lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
            }
        };
        part("When it runs", &self.when);
        part("What you are asked", &self.settings);
        let mut number = 0;
        let steps = self.steps.iter().map(|(depth, step)| match depth {
            0 => {
                number += 1;
                format!("{number}. {step}")
            }
            depth => format!("{}{step}", "   ".repeat(*depth)),
        });
        part("What it does", &steps.collect::<Vec<_>>());
        part("What it reads", &self.reads);
        part("What it writes", &self.writes);
        part("What it never touches", &self.never);
        part("What one event costs", &[self.calls.in_words()]);
        let scopes = self.scopes.iter().map(|(app, scopes)| {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            format!("{app}: {}", scopes.join(", "))
        });
        part("Scopes that its connections need", &scopes.collect::<Vec<_>>());
        text
    }

    pub fn json(&self) -> Value {
        let steps = self.steps.iter();
        let steps = steps.map(|(depth, text)| json!({ "depth": depth, "text": text }));
        json!({
            "format_version": 1, "name": self.name, "about": self.about, "when": self.when,
            "settings": self.settings, "steps": steps.collect::<Vec<_>>(),
            "reads": self.reads, "writes": self.writes, "never_touches": self.never,
            "calls": { "least": self.calls.least, "most": self.calls.most, "more_for": self.calls.more_for },
            "scopes": self.scopes,
        })
    }
}

//! The text of a recipe in the making, as a person would write it.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::record::Finder;
use crate::recipe::Example;
use crate::value::yaml;

impl Draft<'_> {
    /// The whole file.
    pub fn text(&self, examples: &[Example]) -> String {
        let mut out = format!("# yaml-language-server: $schema={}\n", self.schema);
        out.push_str(&format!("name: {}\n", yaml::on_its_line(&self.name)));
        out.push_str(&format!("about: {}\n", yaml::on_its_line(&self.about)));
        out.push_str(&format!("\ntrigger:\n  on: {}\n", self.event.name()));
        if let Some(when) = self.when() {
            out.push_str(&format!("  when: {}\n", yaml::on_its_line(&when)));
        }
        let settings = self.all_settings();
        if !settings.is_empty() {
            out.push_str("\nsettings:\n");
        }
        for (name, setting) in &settings {
            match setting.as_object().filter(|setting| !setting.is_empty()) {
                Some(setting) => {
                    let lines = yaml::lines(setting, 4);
                    out.push_str(&format!("  {}:\n{lines}", yaml::scalar(name)));
                }
                None => out.push_str(&yaml::entry(name, setting, 2)),
            }
        }
        out.push_str("\nsteps:\n");
        out.push_str(&self.steps().iter().map(listed).collect::<Vec<_>>().join("\n"));
        if !examples.is_empty() {
            out.push_str("\nexamples:\n");
            let examples = examples.iter().map(|example| match json!(example) {
                Value::Object(example) => listed(&example),
                _ => unreachable!("an example is a mapping"),
            });
            out.push_str(&examples.collect::<Vec<_>>().join("\n"));
        }
        out
    }

    fn steps(&self) -> Vec<Map<String, Value>> {
        let finding = Finder::steps(&self.finders(), self.catalog);
        let mut steps: Vec<Map<String, Value>> =
            finding.iter().filter_map(Value::as_object).cloned().collect();
        let id = self.step();
        let mut step = Map::from_iter([
            ("id".to_owned(), id.clone().into()),
            ("call".to_owned(), self.call().into()),
        ]);
        if let Some(there) = self.unless_exists() {
            step.insert("unless_exists".into(), Value::Object(there));
        }
        if self.is_patch() {
            step.insert("patch".into(), true.into());
        }
        let with = self.with();
        if !with.is_empty() {
            step.insert("with".into(), Value::Object(with));
        }
        if let Some(link) = self.link(&id) {
            step.insert("link".into(), Value::Object(link));
        }
        steps.push(step);
        steps
    }

    /// The id of the step that calls.
    fn step(&self) -> String {
        let record = self.operation.record.as_ref();
        let word = record.map_or(self.operation.id.as_str(), |record| record.kind.as_str());
        let word = word.replace('-', "_");
        match word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            true => word,
            false => format!("call_{word}"),
        }
    }

    /// How a recipe names the operation: by method and path where that is clear.
    fn call(&self) -> String {
        let operation = &self.operation;
        match self.catalog.operation(&operation.call) {
            Ok(found) if found.long_id() == operation.long_id() => operation.call.clone(),
            _ => operation.long_id(),
        }
    }
}

/// The lines of one step or example.
fn listed(map: &Map<String, Value>) -> String {
    yaml::wide_item(map, 2)
}

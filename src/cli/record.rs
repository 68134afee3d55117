//! `linecook record`: a past run becomes an example of its recipe, without anybody's data in it.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::exit::{CommandError, Exit, Result};
use super::print;
use super::runs::{run_id, stored_history, stored_plan, stored_run};
use super::runtime::runtime;
use super::store::{StoreArgs, StorePlace};
use super::test::play;
use crate::catalog::Catalog;
use crate::diagnostic::Sink;
use crate::execute::{compare, expected, given};
use crate::journal::{History, Outcome};
use crate::parse;
use crate::recipe::{Example, ExampleEvent, Expect, ExpectedOutcome, Given};
use crate::sandbox::World;
use crate::server::Kept;
use crate::source::{Route, Source};
use crate::store::{Deliveries, RunId};
use crate::value::Disguise;

#[derive(clap::Args)]
pub struct Args {
    /// The run, such as run-12
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: RunId,
    /// What the example is called
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Add it to the recipe's file; without this it is only printed
    #[arg(long)]
    save: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub fn run(args: &Args) -> Result {
    runtime()?.block_on(record(args))
}

async fn record(args: &Args) -> Result {
    let place = args.store.place()?;
    let store = place.open()?;
    let row = stored_run(&store, args.run).await?;
    let kept = stored_plan(&store, &row).await?;
    let delivery = store.delivery(row.delivery).await?;
    let payload = delivery.as_ref().and_then(|delivery| {
        serde_json::from_str::<Map<String, Value>>(delivery.payload.as_deref()?).ok()
    });
    let (Some(kept), Some(delivery), Some(payload)) = (kept, delivery, payload) else {
        return Err(CommandError::usage(
            format!("the event of {} is no longer kept", args.run),
            "take a newer run: `linecook runs list`",
        ));
    };
    let history = stored_history(&store, args.run).await?;

    let catalog = Catalog::embedded();
    let mut disguise = Disguise::default();
    let event = catalog.event(&row.event).ok();
    let app = event.as_ref().and_then(|event| catalog.app(&event.app));
    let location = app.and_then(|app| payload.get(app.location.as_deref()?)?.as_str());
    if let Some(location) = location {
        disguise.fix(location, World::location_id());
    }
    let event = disguise.fields(&payload);
    let given = given(&history, catalog, &mut disguise);
    let is_given = given != Given::default();
    let of_trigger = &kept.plan.recipe.trigger.events;
    let mut example = Example {
        name: args.name.clone().unwrap_or_else(|| format!("as it was in {}", args.run)),
        on: (of_trigger.len() > 1).then(|| row.event.clone()),
        event: Some(ExampleEvent::Inline(event.clone())),
        settings: settings(&kept, &mut disguise),
        given: is_given.then_some(given),
        now: Some(delivery.received_at.to_string()),
        expect: None,
    };
    let defaults = kept.defaults();
    let played = play(&kept.plan, &example, Some(event), &defaults).await;
    let (outcome, again) = played.map_err(|(problem, instead)| {
        CommandError::usage(format!("{} cannot be played again: {problem}", args.run), instead)
    })?;
    example.expect = Some(Expect {
        calls: Some(expected(&again, catalog)),
        outcome: ended(&outcome),
        links: None,
    });
    let wrong = compare(catalog, &example, &Route::root(), &outcome, &again, &defaults);
    if !wrong.is_empty()
        && let Some(calls) = example.expect.as_mut().and_then(|expect| expect.calls.as_mut())
    {
        // A value that is never the same twice is not expected.
        calls.iter_mut().for_each(|call| call.with.clear());
    }
    let (before, now) = (calls(&history), calls(&again));
    if before != now {
        print::talk(format_args!(
            "The run made these calls: {}. In the sandbox, with made-up data, it makes these: {}. Look whether \
             something that it read is missing under `given`.",
            listed(&before),
            listed(&now),
        ));
    }
    let yaml = serde_yaml::to_string(&[&example]).map_err(|e| {
        CommandError::environment(format!("the example cannot be written: {e}"), "report it")
    })?;
    // A writer of YAML 1.1 puts `on` into quotes, since it means true there.
    let plain = |line: &str| line.replacen("  \"on\": ", "  on: ", 1);
    let yaml: String = yaml.lines().map(|line| format!("  {}\n", plain(line))).collect();
    if !args.save {
        print::text(format!("examples:\n{yaml}"));
        return Ok(Exit::Good);
    }
    save(&place, &row.recipe, &yaml)
}

/// The settings that are not as they are anyway.
fn settings(kept: &Kept, disguise: &mut Disguise) -> Map<String, Value> {
    let of_recipe = &kept.plan.recipe.settings;
    let differs = kept.settings.iter().filter(|(name, value)| {
        of_recipe.get(*name).is_some_and(|setting| setting.default.as_ref() != Some(*value))
    });
    // Only what looks like somebody's is replaced: the rest is the recipe's own.
    differs.map(|(name, value)| (name.clone(), disguise.value("", value))).collect()
}

fn ended(outcome: &Outcome) -> Option<ExpectedOutcome> {
    let all = [ExpectedOutcome::Stopped, ExpectedOutcome::Held, ExpectedOutcome::Failed];
    all.into_iter().find(|expected| outcome.is(*expected))
}

/// The calls that changed something.
fn calls(history: &History) -> Vec<String> {
    let calls = expected(history, Catalog::embedded());
    calls.into_iter().map(|call| call.call).collect()
}

fn listed(calls: &[String]) -> String {
    match calls.is_empty() {
        true => "none".to_owned(),
        false => calls.join(", "),
    }
}

/// Adds an example to the recipe's file, behind those that are there.
fn save(place: &StorePlace, recipe: &str, yaml: &str) -> Result {
    let folder = place.project.as_deref().and_then(|project| project.parent());
    let path = folder.map_or_else(|| PathBuf::from(recipe), |folder| folder.join(recipe));
    let unusable = |why: String| {
        CommandError::usage(
            format!("{}: {why}", path.display()),
            "leave out --save, and put the example under `examples` yourself",
        )
    };
    let text = std::fs::read_to_string(&path).map_err(|e| unusable(e.to_string()))?;
    let count = |text: &str| {
        let source = Source::new(path.display().to_string(), text.to_owned());
        let file = parse::recipe(source, &mut Sink::default());
        file.map(|file| file.recipe.examples.len())
    };
    let new = with_example(&text, yaml);
    if count(&new) != count(&text).map(|count| count + 1) {
        return Err(unusable("its examples are not written as a plain list".to_owned()));
    }
    std::fs::write(&path, new).map_err(|e| unusable(e.to_string()))?;
    print::line(format_args!("{} has one example more: `linecook test {0}`", path.display()));
    Ok(Exit::Good)
}

fn with_example(text: &str, yaml: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let begin = lines.iter().position(|line| line.trim_end() == "examples:");
    let Some(begin) = begin else {
        return format!("{}\n\nexamples:\n{yaml}", text.trim_end());
    };
    let belongs = |line: &&str| line.trim().is_empty() || line.starts_with([' ', '-', '#']);
    let length = lines[begin + 1..].iter().take_while(|line| belongs(line)).count();
    let mut end = begin + 1 + length;
    while end > begin + 1 && lines[end - 1].trim().is_empty() {
        end -= 1;
    }
    let new = format!("\n{}", yaml.trim_end());
    lines.insert(end, &new);
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_goes_behind_the_others_wherever_they_stand() {
        let new = "  - name: b\n";
        let last = with_example("name: x\nexamples:\n  - name: a\n", new);
        assert_eq!(last, "name: x\nexamples:\n  - name: a\n\n  - name: b\n");
        let middle = with_example("examples:\n  - name: a\n\nsteps: []\n", new);
        assert_eq!(middle, "examples:\n  - name: a\n\n  - name: b\n\nsteps: []\n");
        assert_eq!(with_example("name: x\n", new), "name: x\n\nexamples:\n  - name: b\n");
    }
}

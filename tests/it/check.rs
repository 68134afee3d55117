//! `linecook check`: what the author of a recipe is told.

use crate::cases::{linecook, root, run_stage, seen};

#[test]
fn every_case_says_what_it_should() {
    run_stage("check", &["check"]);
}

#[test]
fn warnings_fail_only_when_asked() {
    let folder = root().join("tests/cases/check/a-setting-that-nobody-uses");
    assert_eq!(linecook(&folder, &["check", "recipe.yaml"]).status.code(), Some(0));
    let strict = linecook(&folder, &["check", "recipe.yaml", "--deny-warnings"]);
    assert_eq!(strict.status.code(), Some(1));
}

#[test]
fn json_and_github_name_the_same_places_as_the_text() {
    let folder = root().join("tests/cases/check/a-misspelt-event-field");
    let json = linecook(&folder, &["check", "recipe.yaml", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let found = &json["diagnostics"][0];
    assert_eq!(found["code"], "unknown-event-field");
    assert_eq!(found["fix"]["text"], "email");
    let (line, column) = (&found["place"]["line"], &found["place"]["column"]);
    let github = seen(&linecook(&folder, &["check", "recipe.yaml", "--format", "github"]));
    assert!(
        github.starts_with(&format!(
            "::error file=recipe.yaml,line={line},col={column},title=unknown-event-field::"
        )),
        "{github}"
    );
    let text = seen(&linecook(&folder, &["check", "recipe.yaml"]));
    assert!(text.contains(&format!("recipe.yaml:{line}:{column}")), "{text}");
}

#[test]
fn a_folder_without_recipes_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = linecook(folder.path(), &["check", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(seen(&output).contains("there is no recipe in the folder"));
}

/// No two apps of ours share a method and path, and no operation has a name twice: a small catalog does.
#[test]
fn names_that_mean_several_things_have_to_be_written_out() {
    use linecook::catalog::{Catalog, compile};
    use linecook::diagnostic::{Code, Sink};
    use linecook::source::Source;

    let sources = root().join("tests/cases/catalog/two-apps-with-one-path");
    let text = compile(&sources.join("apps")).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let catalog = Catalog::load(Box::leak(text.into_boxed_str())).unwrap();
    let recipe = Source::read(&sources.join("recipe.yaml")).unwrap();
    let mut sink = Sink::default();
    let file = linecook::parse::recipe(recipe.clone(), &mut sink).unwrap();
    linecook::check::recipe(
        &file,
        &catalog,
        &Default::default(),
        &|_| Err(String::new()),
        &mut sink,
    );
    let found = sink.into_sorted(&recipe, Some(&file.document));
    let codes: Vec<Code> = found.iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::AmbiguousOperation, Code::AmbiguousField]);
    assert_eq!(
        found[0].help.as_deref(),
        Some("write the long name: `one.thing.make`, `two.thing.make`")
    );
    assert_eq!(found[1].help.as_deref(), Some("write `path.id` or `body.id`"));
}

/// The steps of recipes that use each other are counted together.
#[test]
fn steps_are_counted_over_all_recipes_that_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let recipe =
        |steps: &str| format!("name: x\ntrigger:\n  on: stax.customer_created\nsteps:\n{steps}");
    let write = |name: &str, steps: String| {
        std::fs::write(folder.path().join(name), recipe(&steps)).unwrap();
    };
    write("part.yaml", "  - wait: 1h\n".repeat(60));
    write("recipe.yaml", "  - use: part.yaml\n".repeat(3));
    let good = linecook(folder.path(), &["check", "recipe.yaml"]);
    assert_eq!(good.status.code(), Some(0), "{}", seen(&good));
    write("recipe.yaml", "  - use: part.yaml\n".repeat(4));
    let text = seen(&linecook(folder.path(), &["check", "recipe.yaml"]));
    assert!(text.contains("the recipe has 244 steps; 200 is the limit"), "{text}");
}

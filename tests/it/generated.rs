//! Generated files are committed, and fresh.

use crate::cases::{linecook, root, seen};

fn fresh(file: &str, text: &str) {
    let path = root().join(file);
    if std::env::var_os("LINECOOK_REWRITE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{file} is stale: LINECOOK_REWRITE=1 cargo test writes it anew");
}

#[test]
fn the_compiled_catalog_is_fresh() {
    let output = linecook(&root(), &["catalog", "compile", "--check"]);
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
}

#[test]
fn the_recipe_schema_is_fresh() {
    let output = linecook(&root(), &["schema"]);
    fresh("schemas/recipe.schema.json", &String::from_utf8(output.stdout).unwrap());
}

#[test]
fn the_project_schema_is_fresh() {
    let output = linecook(&root(), &["schema", "--project"]);
    fresh("schemas/project.schema.json", &String::from_utf8(output.stdout).unwrap());
}

#[test]
fn the_picture_of_a_run_is_fresh() {
    let command = "linecook run recipes/new-customer.yaml";
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_linecook"))
        .args(command.split(' ').skip(1))
        .current_dir(root())
        .env("CLICOLOR_FORCE", "1")
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    let text = format!("$ {command}\n{}", String::from_utf8(output.stdout).unwrap());
    fresh("docs/run.svg", &anstyle_svg::Term::new().render_svg(&text));
}

#[test]
fn the_help_is_fresh() {
    let mut text = String::new();
    for verb in [
        &[][..],
        &["init"],
        &["new"],
        &["check"],
        &["dry-run"],
        &["run"],
        &["test"],
        &["sandbox"],
        &["pull"],
        &["runs"],
        &["runs", "list"],
        &["runs", "show"],
        &["runs", "retry"],
        &["runs", "cancel"],
        &["runs", "resolve"],
        &["events"],
        &["events", "list"],
        &["events", "show"],
        &["events", "replay"],
        &["links"],
        &["links", "list"],
        &["links", "set"],
        &["links", "remove"],
        &["links", "import"],
        &["doctor"],
        &["backup"],
        &["restore"],
        &["catalog"],
        &["catalog", "list"],
        &["catalog", "show"],
        &["schema"],
    ] {
        let mut arguments = verb.to_vec();
        arguments.push("--help");
        let output = linecook(&root(), &arguments);
        text.push_str(&format!("$ linecook {}\n", arguments.join(" ")));
        text.push_str(&String::from_utf8(output.stdout).unwrap());
        text.push('\n');
    }
    fresh("docs/help.txt", &text);
}

#[test]
fn the_filter_reference_is_fresh() {
    let path = root().join("docs/language.md");
    let there = std::fs::read_to_string(&path).unwrap();
    let (before, rest) =
        there.split_once("<!-- filters -->\n").expect("docs/language.md marks the filters");
    let (_, after) = rest.split_once("<!-- end of filters -->\n").expect("and where they end");
    let mut table =
        String::from("| filter | what it gives | example | comes out |\n|---|---|---|---|\n");
    for filter in linecook::template::all_filters() {
        let cell = |text: &str| text.replace('|', "\\|");
        table.push_str(&format!(
            "| `{}` | {} | `{}` | `{}` |\n",
            filter.name,
            filter.about,
            cell(filter.example.0),
            cell(filter.example.1)
        ));
    }
    fresh(
        "docs/language.md",
        &format!("{before}<!-- filters -->\n{table}<!-- end of filters -->\n{after}"),
    );
}

#[test]
fn every_filter_does_what_its_example_says() {
    use linecook::template::{Outcome, Scope, Template};
    for filter in linecook::template::all_filters() {
        let (written, expected) = filter.example;
        if expected == "[…]" {
            continue;
        }
        let template = Template::expression(written).unwrap();
        let mut scope = Scope::new(Default::default());
        scope.set("event", &serde_json::json!({}));
        let text = match template.render(&scope).unwrap() {
            Outcome::Value(serde_json::Value::String(text)) => text,
            other => other.into_value().to_string(),
        };
        assert_eq!(text, expected, "{written}");
    }
}

//! A recipe that is installed in `linecook.yaml`: its text comes in; with one more of them it goes out.

use serde_json::{Value, json};

use super::layout::Layout;
use crate::project::WrittenInstallation;
use crate::source::Route;
use crate::value::yaml;

/// The text with one more recipe that is installed.
pub fn with_installation(text: &str, installation: &WrittenInstallation) -> Option<String> {
    let layout = Layout::read(text)?;
    let mut wanted = layout.value().clone();
    let recipes = wanted.as_object_mut()?.entry("recipes").or_insert(Value::Null);
    if recipes.is_null() {
        *recipes = json!([]);
    }
    recipes.as_array_mut()?.push(json!(installation));
    let at = Route::root().key("recipes");
    layout.with(layout.item(&at, |indent| item(installation, indent))?, &wanted)
}

/// The lines that a person would write for a recipe that is installed.
pub fn installation_lines(installation: &WrittenInstallation) -> String {
    format!("recipes:\n{}", item(installation, 2))
}

fn item(installation: &WrittenInstallation, indent: usize) -> String {
    match json!(installation) {
        Value::Object(fields) => yaml::wide_item(&fields, indent),
        _ => unreachable!("an installation is a mapping"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn a_recipe_is_installed_and_nothing_else_moves() {
        let settings = Map::from_iter([("tag".to_owned(), "won".into())]);
        let installation =
            WrittenInstallation { recipe: "b.yaml".into(), settings, ..Default::default() };
        for (before, after) in [
            (
                "recipes:\n  - recipe: a.yaml   # ours\n\n# The end\nparallel: 1\n",
                "recipes:\n  - recipe: a.yaml   # ours\n{}\n# The end\nparallel: 1\n",
            ),
            (
                "recipes:\n  - recipe: a.yaml\n    settings:\n      x: 1\n      # y: 2\n# z\n",
                "recipes:\n  - recipe: a.yaml\n    settings:\n      x: 1\n{}      # y: 2\n# z\n",
            ),
            ("recipes: []   # none yet\nparallel: 1\n", "recipes:   # none yet\n{}parallel: 1\n"),
            ("recipes:   # none yet\nparallel: 1\n", "recipes:   # none yet\n{}parallel: 1\n"),
            ("a: 1\nrecipes: []\n", "a: 1\nrecipes:\n{}"),
            ("parallel: 1\n", "parallel: 1\nrecipes:\n{}"),
            ("recipes: ~ # none yet\na: 1", "recipes: # none yet\n{}a: 1"),
            ("recipes: [\n]\na: 1\n", "recipes:\n{}a: 1\n"),
            ("a: 1\n...\n", "a: 1\nrecipes:\n{}...\n"),
            ("recipes:\n  -\n    recipe: a.yaml\n", "recipes:\n  -\n    recipe: a.yaml\n{}"),
            (
                "recipes:\n  - { recipe: a.yaml, settings: { x: [1,\n    2] # r\n    } } # s\n",
                "recipes:\n  - { recipe: a.yaml, settings: { x: [1,\n    2] # r\n    } } # s\n{}",
            ),
        ] {
            let lines = "  - recipe: b.yaml\n    settings: { tag: won }\n";
            let got = with_installation(before, &installation);
            assert_eq!(got.as_deref(), Some(after.replace("{}", lines).as_str()), "{before}");
        }
        for (before, after) in [
            ("parallel: 1", "parallel: 1\nrecipes:\n{}"),
            ("recipes: []", "recipes:\n{}"),
            ("recipes:\n  - { recipe: a.yaml }", "recipes:\n  - { recipe: a.yaml }\n{}"),
        ] {
            let lines = "  - recipe: b.yaml\n    settings: { tag: won }";
            let got = with_installation(before, &installation);
            assert_eq!(got, Some(after.replace("{}", lines)), "the end stays without a line break");
        }
        for unclear in [
            "recipes: [{ recipe: a.yaml }]\n",
            "recipes: { a: b }\n",
            "recipes: [ # none\n]\n",
            "{ a: 1 }\n",
            "- a\n",
            "",
        ] {
            assert_eq!(with_installation(unclear, &installation), None, "{unclear}");
        }
        let windows =
            with_installation("recipes:\r\n  - recipe: a.yaml\r\n", &installation).unwrap();
        assert!(windows.ends_with("{ tag: won }\r\n"), "{windows:?}");
        let read = Layout::read(&installation_lines(&installation)).unwrap().value().clone();
        assert_eq!(read["recipes"][0], json!(installation));
    }
}

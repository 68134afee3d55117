//! `linecook explain`: a recipe in plain sentences and as a picture.

use crate::cases::{linecook, root, run_stage, seen};

#[test]
fn every_case_is_told_as_it_should() {
    run_stage("explain", &["explain"]);
}

#[test]
fn every_shipped_recipe_has_a_picture_that_shows_all_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    for recipe in std::fs::read_dir(root().join("recipes")).unwrap() {
        let path = recipe.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let recipe = path.to_string_lossy().into_owned();
        let told = linecook(folder.path(), &["explain", &recipe, "--format", "json"]);
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        let steps = told["steps"].as_array().unwrap();
        let outer = steps.iter().filter(|step| step["depth"] == 0).count();
        let drawn = linecook(folder.path(), &["explain", &recipe, "--picture", "steps.svg"]);
        assert_eq!(drawn.status.code(), Some(0), "{}", seen(&drawn));
        let picture = std::fs::read_to_string(folder.path().join("steps.svg")).unwrap();
        // The trigger and every step have a box, and each tag that opens closes.
        let boxes = picture.matches("<rect ").count();
        assert!(boxes > outer, "{recipe}: {boxes} boxes, {outer} steps");
        assert_eq!(picture.matches("<text").count(), picture.matches("</text>").count());
        let mermaid = seen(&linecook(folder.path(), &["explain", &recipe, "--format", "mermaid"]));
        assert!(
            mermaid.contains(&format!("n{}", boxes - 1)) && !mermaid.contains(&format!("n{boxes}"))
        );
    }
}

#[test]
fn a_picture_of_another_kind_is_refused() {
    let folder = root().join("tests/cases/explain/a-list-every-night");
    let refused = seen(&linecook(&folder, &["explain", "recipe.yaml", "--picture", "steps.png"]));
    assert!(refused.contains("let its name end in .svg, or in .mmd for Mermaid"), "{refused}");
}

//! Every recipe in the README and in docs checks clean.

use crate::cases::{linecook, root, seen};

#[test]
fn every_yaml_block_of_the_docs_checks() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(std::fs::read_dir(root().join("docs")).unwrap().map(|e| e.unwrap().path()));
    let mut checked = 0;
    for page in pages.iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            // Blocks of other kinds (catalog entries, single steps) are not whole recipes.
            if !(block.contains("\ntrigger:") && block.contains("\nsteps:")) {
                continue;
            }
            checked += 1;
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("recipe.yaml"), block).unwrap();
            let output = linecook(folder.path(), &["check", "recipe.yaml", "--deny-warnings"]);
            assert_eq!(
                output.status.code(),
                Some(0),
                "{}:\n{block}\n{}",
                page.display(),
                seen(&output)
            );
            let output = linecook(folder.path(), &["test", "recipe.yaml"]);
            assert_eq!(
                output.status.code(),
                Some(0),
                "{}:\n{block}\n{}",
                page.display(),
                seen(&output)
            );
        }
    }
    assert!(checked > 0, "the README shows a recipe");
}

/// Every whole `linecook.yaml` in the README and in docs checks clean beside the shipped recipes.
#[test]
fn every_project_of_the_docs_checks() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(linecook(folder.path(), &["init"]).status.code(), Some(0));
    for page in ["README.md", "docs/project.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let blocks = text.split("```yaml\n").skip(1).map(|b| b.split("```").next().unwrap());
        let projects: Vec<&str> = blocks.filter(|b| b.contains("\nrecipes:")).collect();
        assert!(!projects.is_empty(), "{page} shows a project");
        for project in projects {
            std::fs::write(folder.path().join("linecook.yaml"), project).unwrap();
            let output = linecook(folder.path(), &["check", "--deny-warnings"]);
            assert_eq!(output.status.code(), Some(0), "{page}: {}", seen(&output));
        }
    }
}

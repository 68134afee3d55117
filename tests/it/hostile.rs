//! Bad input gets a clear error and no panic.

use std::path::Path;
use std::process::Output;

use crate::cases::{linecook, root, seen};

/// A recipe file with these bytes, checked.
fn checked(bytes: &[u8]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recipe.yaml"), bytes).unwrap();
    let output = linecook(folder.path(), &["check", "recipe.yaml"]);
    (clear(&output), output.status.code())
}

fn clear(output: &Output) -> String {
    let seen = seen(output);
    assert!(!seen.contains("panicked"), "{seen}");
    seen
}

#[track_caller]
fn says(bytes: &[u8], expected: &str) {
    let (seen, code) = checked(bytes);
    let start: String = seen.chars().take(3_000).collect();
    assert!(seen.contains(expected), "expected {expected:?} in\n{start}");
    assert_eq!(code, Some(1), "{start}");
}

const GOOD: &str = "\
name: A note
trigger:
  on: stax.customer_created
steps:
  - call: POST /contacts/:contactId/notes
    with:
      contactId: \"{{ event.reference or 'c1' }}\"
      body: \"{{ event.notes | default('-') }}\"
";

#[test]
fn files_that_are_no_recipes() {
    says(b"", "empty-file");
    says(b"\n# only a remark\n\n", "empty-file");
    says(&[0u8, 159, 146, 150, 7, 1], "not a text file");
    says(b"name: x\0y\n", "not a text file");
    says(&vec![b'a'; 10 * 1024 * 1024], "10.5 MB; linecook reads at most 1 MB");
    says("name: x\n".repeat(2).as_bytes(), "duplicate-key");
    says(b"- a\n- b\n", "not-a-recipe");
    says(b"just a text\n", "not-a-recipe");
}

#[test]
fn bombs() {
    says("[".repeat(100_000).as_bytes(), "too-deep");
    says("{a: ".repeat(100_000).as_bytes(), "too-deep");
    says("- ".repeat(100_000).as_bytes(), "too-deep");
    let indented: String = (0..900).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    says(indented.as_bytes(), "too-deep");
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n";
    says(laughs.as_bytes(), "alias-not-allowed");
    let many = format!("name: x\nsteps: [{}]\n", "a, ".repeat(60_000));
    says(many.as_bytes(), "too-many-values");
    let steps = format!(
        "name: x\ntrigger:\n  on: stax.customer_created\nsteps:\n{}",
        "  - stop: x\n".repeat(300)
    );
    says(steps.as_bytes(), "too-many-steps");
}

#[test]
fn line_ends_and_byte_order_marks_are_no_matter() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let (seen, code) = checked(windows.as_bytes());
    assert_eq!(code, Some(0), "{seen}");
    says(windows.replace("event.notes", "event.nots").as_bytes(), "recipe.yaml:8:23");
}

#[test]
fn template_bombs() {
    let with = |body: &str| GOOD.replace("{{ event.notes | default('-') }}", body);
    says(with("{{ event.notes | tojson(indent=100000000) }}").as_bytes(), "filter-argument");
    says(with("{% for i in range(1000000000) %}x{% endfor %}").as_bytes(), "unknown-function");
    says(with("{{ 'a' * 1000000000 }}{{").as_bytes(), "bad-template");
    says(with("{{ (").as_bytes(), "bad-template");
    says(
        with(&format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000))).as_bytes(),
        "bad-template",
    );
    says(with(&format!("{{{{ {} }}}}", "not ".repeat(30_000))).as_bytes(), "bad-template");
}

fn run(recipe: &str, event: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recipe.yaml"), recipe).unwrap();
    std::fs::write(folder.path().join("event.json"), event).unwrap();
    let output = linecook(folder.path(), &["dry-run", "recipe.yaml", "--event", "event.json"]);
    clear(&output)
}

#[test]
fn work_without_end_is_stopped() {
    let many: Vec<u32> = (0..3_000).collect();
    let event = serde_json::json!({ "id": "1", "files": many }).to_string();
    let recipe = GOOD.replace(
        "{{ event.notes | default('-') }}",
        "{% for a in event.files %}{% for b in event.files %}x{% endfor %}{% endfor %}",
    );
    assert!(run(&recipe, &event).contains("does too much work"));
    let recipe = GOOD.replace("{{ event.notes | default('-') }}", "{{ event.id * 1000000000 }}");
    assert!(run(&recipe, &event).contains("cannot be calculated with each other"));
    // Where nobody knows the type, the work is stopped while it is done.
    let recipe = recipe.replace("event.id", "event.options.x");
    let event = r#"{"id": "1", "options": {"x": "abc"}}"#;
    assert!(run(&recipe, event).contains("too much work"));
}

#[test]
fn values_that_would_lead_to_another_address() {
    for bad in ["..", "%2e%2e", "a\\nb", "a\\u0000", ".", "%2E%2e", "x/../y"] {
        let event = format!(r#"{{"id": "1", "reference": "{bad}"}}"#);
        let seen = run(GOOD, &event);
        assert!(seen.contains("is a part of the address"), "{bad}: {seen}");
        assert!(!seen.contains("POST https"), "{bad}: {seen}");
    }
    // Whatever else it is, it stays one segment.
    let seen = run(GOOD, r#"{"id": "1", "reference": "a/b?c=d#e&f"}"#);
    assert!(seen.contains("/contacts/a%2Fb%3Fc=d%23e&f/notes"), "{seen}");
}

#[test]
fn events_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recipe.yaml"), GOOD).unwrap();
    let try_event = |name: &str| {
        let output = linecook(folder.path(), &["run", "recipe.yaml", "--event", name]);
        assert_eq!(output.status.code(), Some(2));
        clear(&output)
    };
    assert!(try_event("missing.json").contains("there is no such file"));
    for (text, expected) in [
        ("[1]", "holds no object"),
        ("{", "not JSON"),
        ("\"x\"", "holds no object"),
        ("", "not JSON"),
    ] {
        std::fs::write(folder.path().join("event.json"), text).unwrap();
        assert!(try_event("event.json").contains(expected), "{text}");
    }
}

#[test]
fn a_recipe_that_is_not_there() {
    let output = linecook(&root(), &["check", "no-such-file.yaml"]);
    assert!(clear(&output).contains("there is no such file"));
    assert_eq!(output.status.code(), Some(1));
    let output = linecook(Path::new("/"), &["dry-run", "no-such-file.yaml"]);
    assert!(clear(&output).contains("there is no such file"));
}

/// A text with a few random changes.
fn changed(text: &str, random: &mut fastrand::Rng) -> String {
    let pieces = [
        "{{", "}}", "|", ":", "- ", "\t", "#", "[", "]", "{", "}", "'", "\"", "\n", "  ", "é", "&",
        "*", "%", "\u{0}", "event.", "$.", "when: ", "..", "now()",
    ];
    let mut text = text.to_owned();
    for _ in 0..random.usize(1..6) {
        let mut at = random.usize(0..=text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        match random.bool() {
            true => text.insert_str(at, pieces[random.usize(0..pieces.len())]),
            false => {
                let mut end = (at + random.usize(0..8)).min(text.len());
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.replace_range(at..end.max(at), "");
            }
        }
    }
    text
}

/// Random changes to a good recipe: never a panic. The README names the long form.
#[test]
fn random_changes_never_panic() {
    let asked = std::env::var("LINECOOK_FUZZ").ok().and_then(|n| n.parse::<u64>().ok());
    let seed = asked.map_or(20_261_123, |_| fastrand::u64(..));
    let rounds = asked.unwrap_or(300);
    println!("{rounds} random changes, seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..rounds {
        let text = changed(GOOD, &mut random);
        let source = linecook::source::Source::new("recipe.yaml", text);
        let mut sink = linecook::diagnostic::Sink::default();
        if let Some(file) = linecook::parse::recipe(source.clone(), &mut sink) {
            let catalog = linecook::catalog::Catalog::embedded();
            linecook::check::recipe(
                &file,
                catalog,
                &Default::default(),
                &|_| Err("no files here".into()),
                &mut sink,
            );
            let found = sink.into_sorted(&source, Some(&file.document));
            let document = Some(file.document);
            drop(linecook::report::FileDiagnostics { source, document, found }.text(false));
        } else {
            let found = sink.into_sorted(&source, None);
            drop(linecook::report::FileDiagnostics { source, document: None, found }.text(false));
        }
    }
}

/// The same for a project file.
#[test]
fn random_changes_to_a_project_never_panic() {
    let asked = std::env::var("LINECOOK_FUZZ").ok().and_then(|n| n.parse::<u64>().ok());
    let seed = asked.map_or(20_261_124, |_| fastrand::u64(..));
    let rounds = asked.unwrap_or(300);
    println!("{rounds} random changes to a project, seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let file = root().join("tests/cases/check/a-project-with-everything/linecook.yaml");
    let good = std::fs::read_to_string(file).unwrap();
    for _ in 0..rounds {
        let text = changed(&good, &mut random);
        let source = linecook::source::Source::new("linecook.yaml", text);
        let mut sink = linecook::diagnostic::Sink::default();
        let Some(file) = linecook::parse::project(source, &mut sink) else { continue };
        let surroundings = linecook::check::surroundings(&file, &mut sink);
        let recipe = |_: &str| linecook::check::InstalledRecipe::Wrong;
        let catalog = linecook::catalog::Catalog::embedded();
        let facts = Default::default();
        linecook::check::project(&file, surroundings, catalog, &facts, &recipe, &mut sink);
        let found = sink.into_sorted(&file.source, Some(&file.document));
        let (source, document) = (file.source, Some(file.document));
        drop(linecook::report::FileDiagnostics { source, document, found }.text(false));
    }
}

#[test]
fn own_filters_that_multiply_come_to_an_end() {
    let mut project = "recipes: []\nfilters:\n".to_owned();
    for at in 0..7 {
        let next = format!("{{{{ value | f{} }}}}", at + 1).repeat(20);
        project.push_str(&format!("  f{at}: \"{next}\"\n"));
    }
    project.push_str("  f7: \"{{ value | upper }}\"\n");
    let many: String =
        (0..5_000).map(|at| format!("  g{at}: \"{{{{ value | g{} }}}}\"\n", at + 1)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linecook.yaml");
    let recipe = GOOD.replace("default('-')", "f0");
    std::fs::write(folder.path().join("recipe.yaml"), recipe).unwrap();
    std::fs::write(&path, &project).unwrap();
    let output = linecook(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", clear(&output));
    let event = serde_json::json!({ "id": "1", "reference": "c", "notes": "x" }).to_string();
    std::fs::write(folder.path().join("event.json"), event).unwrap();
    let output = linecook(folder.path(), &["dry-run", "recipe.yaml", "--event", "event.json"]);
    assert!(clear(&output).contains("too much work"), "{}", seen(&output));
    std::fs::write(&path, project + &many).unwrap();
    assert!(clear(&linecook(folder.path(), &["check"])).contains("filter-nesting"));
}

#[test]
fn a_reader_that_has_gone_away_stops_nothing() {
    use std::process::{Command, Stdio};
    for arguments in [&["schema"][..], &["catalog", "list"], &["run", "recipes/new-customer.yaml"]]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linecook"))
            .args(arguments)
            .current_dir(root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", seen(&output));
    }
}

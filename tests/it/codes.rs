//! Every diagnostic code has at least one case.

use linecook::diagnostic::Code;

use crate::cases::folders;

#[test]
fn every_code_has_a_case() {
    let mut printed = String::new();
    for stage in ["check", "exchanges"] {
        for folder in folders(stage) {
            printed.push_str(
                &std::fs::read_to_string(folder.join("expected.txt")).unwrap_or_default(),
            );
        }
    }
    // Shown by tests of their own: their input is made, or needs a catalog of its own.
    let made = [
        Code::UnreadableFile,
        Code::TooDeep,
        Code::TooManyValues,
        Code::TooManySteps,
        Code::AmbiguousOperation,
        Code::AmbiguousField,
    ];
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !made.contains(code))
        .map(|code| code.name())
        .filter(|name| !printed.contains(&format!("[{name}]")))
        .collect();
    assert!(missing.is_empty(), "no case in tests/cases shows {missing:?}");
}

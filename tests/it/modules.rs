//! Data flows one way: a module imports only from modules above it in `src/lib.rs`.

use std::path::Path;

use crate::cases::root;

#[test]
fn no_module_imports_from_below() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let order: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 10, "src/lib.rs lists its modules");
    let mut wrong = Vec::new();
    for (place, module) in order.iter().enumerate() {
        visit(&root().join("src").join(module), &mut |path, text| {
            for (number, line) in text.lines().enumerate() {
                // What tests at the bottom of a file import does not count.
                if line.contains("#[cfg(test)]") {
                    break;
                }
                for used in line.split("crate::").skip(1) {
                    let name: String =
                        used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    if let Some(other) = order.iter().position(|m| *m == name)
                        && other > place
                    {
                        wrong.push(format!(
                            "{}:{}: {module} imports {name}",
                            path.display(),
                            number + 1
                        ));
                    }
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn visit(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|e| e == "rs") {
            see(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}

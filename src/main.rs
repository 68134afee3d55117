//! Temporary front: replaced by `cli`.
fn main() {
    let text = linecook::catalog::compile(std::path::Path::new("schemas/catalog"));
    match text {
        Ok(text) => std::fs::write("schemas/catalog.jsonl", text).unwrap(),
        Err(errors) => errors.iter().for_each(|e| println!("{e}")),
    }
}

//! `linecook schema`: the JSON Schema of recipes.

use super::exit::{Exit, Result};
use super::print;
use crate::catalog::Catalog;
use crate::recipe::editor_schema;

pub fn run() -> Result {
    let schema = editor_schema(Catalog::embedded());
    print::line(serde_json::to_string_pretty(&schema).expect("a schema is plain JSON"));
    Ok(Exit::Good)
}

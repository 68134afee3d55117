//! Packs the compiled catalog for the program: it is a megabyte of text, and a fifth of that packed.

use std::path::Path;

const CATALOG: &str = "schemas/catalog.jsonl";

fn main() {
    println!("cargo::rerun-if-changed={CATALOG}");
    println!("cargo::rerun-if-changed=schemas/build.rs");
    let text = std::fs::read(CATALOG).expect("schemas/catalog.jsonl is part of the repository");
    let packed = lz4_flex::block::compress_prepend_size(&text);
    let folder = std::env::var_os("OUT_DIR").expect("cargo says where to");
    std::fs::write(Path::new(&folder).join("catalog.lz4"), packed).expect("cargo's folder");
}

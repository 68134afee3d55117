//! How long a check takes, from the start of the process: one recipe, and a folder of a thousand, beside
//! a bare program that only reads the same YAML with the same reader. Prints figures; asserts nothing.
//!
//! `cargo bench --bench check`

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RECIPES: usize = 1_000;
const ROUNDS: usize = 9;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|a| a == "--read-only") {
        return read_only(Path::new(&arguments[2]));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shipped = shipped_recipes();
    for number in 0..RECIPES {
        let text = &shipped[number % shipped.len()];
        std::fs::write(folder.path().join(format!("recipe-{number:04}.yaml")), text).unwrap();
    }
    let one = folder.path().join("recipe-0000.yaml");
    let linecook = env!("CARGO_BIN_EXE_linecook");
    let bare = std::env::current_exe().unwrap();
    println!(
        "{ROUNDS} rounds each, in turn; medians; wall time from process start, peak memory of the process"
    );
    for (what, path) in [("one recipe", one.as_path()), ("1,000 recipes", folder.path())] {
        let mut checks = Vec::new();
        let mut reads = Vec::new();
        for _ in 0..=ROUNDS {
            checks.push(timed(Command::new(linecook).arg("check").arg(path)));
            reads.push(timed(Command::new(&bare).arg("--read-only").arg(path)));
        }
        // The first of each fills the caches.
        let (check, check_kb) = median(&mut checks.split_off(1));
        let (read, read_kb) = median(&mut reads.split_off(1));
        println!(
            "{what:14} check {:7.1} ms {:6.1} MB   only reading the YAML {:7.1} ms {:6.1} MB   ratio {:.2}",
            ms(check),
            check_kb as f64 / 1024.0,
            ms(read),
            read_kb as f64 / 1024.0,
            check.as_secs_f64() / read.as_secs_f64(),
        );
    }
}

/// The recipes that ship with linecook, without their examples: those name files.
fn shipped_recipes() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let yaml = files.iter().filter(|f| f.extension().is_some_and(|e| e == "yaml"));
    yaml.map(|file| std::fs::read_to_string(file).unwrap())
        .map(|text| text.split("\nexamples:").next().unwrap().to_owned() + "\n")
        .collect()
}

/// Wall time, and peak memory in KB as the system counts it.
fn timed(command: &mut Command) -> (Duration, u64) {
    let started = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut out = child.stdout.take().unwrap();
    let mut peak = 0;
    let mut buffer = [0; 64 * 1024];
    loop {
        let read = std::io::Read::read(&mut out, &mut buffer).unwrap_or(0);
        // The program prints last of all: what it has used until then is its peak.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        peak = peak.max(kb);
        if read == 0 {
            break;
        }
    }
    child.wait().expect("it ends");
    (started.elapsed(), peak)
}

fn median(figures: &mut [(Duration, u64)]) -> (Duration, u64) {
    figures.sort();
    let time = figures[figures.len() / 2].0;
    (time, figures.iter().map(|(_, kb)| *kb).max().unwrap_or(0))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The program beside it.
fn read_only(path: &Path) {
    let files: Vec<PathBuf> = match path.is_dir() {
        true => std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect(),
        false => vec![path.to_owned()],
    };
    let mut keys = 0;
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        keys += value.as_object().map_or(0, |o| o.len());
    }
    println!("{keys}");
}

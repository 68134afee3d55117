//! `linecook catalog import`: OpenAPI documents → source files of the catalog, all of them or none.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::catalog::{Description, Imported, Remark, compile_app, import};
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::print;
use crate::report::plural;

/// The largest document, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

#[derive(clap::Args)]
pub struct Args {
    /// An OpenAPI document, or a folder with them
    #[arg(value_name = "FILE|FOLDER")]
    from: PathBuf,
    /// The app that they describe
    #[arg(long, value_name = "NAME")]
    app: String,
    /// The folder of the app; what was imported into it before is replaced, what people wrote stays
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !args.app.starts_with(|c: char| c.is_ascii_lowercase()) || !args.app.chars().all(plain) {
        return Err(CommandError::usage(
            format!("`{}` is no name for an app", args.app),
            "write small letters, digits and _, with a letter first",
        ));
    }
    let paths = documents(&args.from)?;
    let mut descriptions = Vec::new();
    let mut refused = Vec::new();
    for path in &paths {
        match read(path) {
            Ok(description) => descriptions.push(description),
            Err(why) => refused.push(format!("{}: {why}", path.display())),
        }
    }
    if descriptions.is_empty() {
        refused.iter().for_each(print::talk);
        return Err(CommandError::usage(
            format!("there is no OpenAPI document in {}", args.from.display()),
            "name a JSON or YAML file that says `openapi: 3.…` at its top, or a folder with some",
        ));
    }
    let documents = descriptions.len();
    let imported = import(&args.app, descriptions);
    let out = match &args.out {
        Some(out) => out.clone(),
        None => Path::new("apps").join(&args.app),
    };
    if imported.taken > 0 {
        write(&args.app, &out, &imported)?;
    }
    report(&imported, documents, &refused, &out);
    match refused.is_empty() && imported.left.is_empty() && imported.taken > 0 {
        true => Ok(Exit::Good),
        false => Ok(Exit::Problems),
    }
}

/// The files that may be documents, in the order of their names.
fn documents(from: &Path) -> Result<Vec<PathBuf>> {
    if !from.is_dir() {
        return Ok(vec![from.to_owned()]);
    }
    let entries = std::fs::read_dir(from).map_err(|e| {
        let message = format!("the folder {} cannot be read: {e}", from.display());
        CommandError::environment(message, "check the folder")
    })?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let endings = ["json", "yaml", "yml"];
    paths.retain(|path| {
        path.is_file() && path.extension().is_some_and(|e| endings.iter().any(|known| e == *known))
    });
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> std::result::Result<Description, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(crate::catalog::NotOpenApi::TooLarge.to_string());
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not a text file".to_owned())?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Description::parse(name, &text).map_err(|e| e.to_string())
}

/// Writes all files beside their place, compiles the app with them, and only then puts them there.
fn write(app: &str, out: &Path, imported: &Imported) -> Result<()> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |e: std::io::Error| {
            let message = format!("{path} cannot be written: {e}");
            CommandError::environment(message, "check the folder; nothing was changed")
        }
    };
    std::fs::create_dir_all(out).map_err(failed(out))?;
    let about = out.join("app.yaml");
    let is_new = !about.exists();
    let draft = tempfile::Builder::new().prefix(".import-").tempdir_in(out).map_err(failed(out))?;
    let trial = draft.path().join("app");
    let made = trial.join("imported");
    std::fs::create_dir_all(&made).map_err(failed(out))?;
    for (name, text) in &imported.files {
        std::fs::write(made.join(name), text).map_err(failed(out))?;
    }
    // The app as it will be: what people wrote, with what is new.
    for path in yaml_files(out) {
        let name = path.file_name().unwrap_or_default();
        std::fs::copy(&path, trial.join(name)).map_err(failed(out))?;
    }
    if is_new {
        std::fs::write(trial.join("app.yaml"), about_app(app, imported)).map_err(failed(out))?;
    }
    if let Err(errors) = compile_app(&trial) {
        for error in errors.iter().take(20) {
            let file = error.file.strip_prefix(&trial).unwrap_or(&error.file);
            let place = out.join(file);
            print::talk(format_args!("{}: {}: {}", place.display(), error.route, error.message));
        }
        return Err(CommandError::usage(
            "what was imported does not go together with what is there",
            "change the files that are named; nothing was written",
        ));
    }
    let place = out.join("imported");
    let old = draft.path().join("old");
    if place.exists() {
        std::fs::rename(&place, &old).map_err(failed(&place))?;
    }
    if let Err(error) = std::fs::rename(&made, &place) {
        // As it was before.
        if old.exists() {
            let _ = std::fs::rename(&old, &place);
        }
        return Err(failed(&place)(error));
    }
    if is_new {
        std::fs::rename(trial.join("app.yaml"), &about).map_err(failed(&about))?;
    }
    Ok(())
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.is_file() && path.extension().is_some_and(|e| e == "yaml")).collect()
}

/// A first `app.yaml`.
fn about_app(app: &str, imported: &Imported) -> String {
    let mut title = app.replace('_', " ");
    title[..1].make_ascii_uppercase();
    let base_url = match &imported.base_url {
        Some(url) => format!("base_url: {}\n", serde_json::Value::from(url.as_str())),
        None => "# base_url: https://api.example.com     # the address that all paths are counted from\n"
            .to_owned(),
    };
    format!("app: {app}\ntitle: {title}\n{base_url}")
}

fn report(imported: &Imported, documents: usize, refused: &[String], out: &Path) {
    let said = |remark: &Remark| match remark.call.is_empty() {
        true => format!("  {}: {}", remark.from, remark.why),
        false => format!("  {}: {}: {}", remark.from, remark.call, remark.why),
    };
    if !imported.remarks.is_empty() {
        print::line("Taken in another way than it is described:");
        imported.remarks.iter().for_each(|remark| print::line(said(remark)));
    }
    if !imported.left.is_empty() {
        print::line("Not taken:");
        imported.left.iter().for_each(|remark| print::line(said(remark)));
    }
    if !refused.is_empty() {
        print::line("Not read:");
        refused.iter().for_each(|why| print::line(format_args!("  {why}")));
    }
    let all = imported.taken + imported.left.len();
    print::line(format_args!(
        "{} of {} from {} taken into {}",
        imported.taken,
        plural(all, "operation"),
        plural(documents, "document"),
        out.join("imported").display(),
    ));
}

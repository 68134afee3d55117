//! A recipe becomes part of the project: one more entry under `recipes` of its file.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::ask;
use super::super::exit::{CommandError, Exit, Result};
use super::super::init::shown;
use super::super::options::colour;
use super::super::print;
use super::super::project::load_project;
use super::super::project_file::OpenProject;
use super::super::target::pairs;
use super::{Args, place};
use crate::catalog::Catalog;
use crate::diagnostic::Severity;
use crate::plan::Plan;
use crate::project::{PROJECT_FILE, WrittenInstallation, installation_lines, with_installation};
use crate::value::text::shell_word;

/// What is written into the project file, before anything is.
pub struct Installing {
    project: Option<OpenProject>,
    installation: WrittenInstallation,
    /// Apps that the recipe works with and to which there is no connection.
    lacks: Vec<String>,
}

/// Decides how a recipe is installed, and asks which connections it uses where that is open.
pub fn prepare(
    args: &Args,
    plan: &Plan,
    recipe: &Path,
    settings: Map<String, Value>,
) -> Result<Installing> {
    let project = match place::project() {
        Some(_) => Some(OpenProject::find()?),
        None => None,
    };
    let mut installation = WrittenInstallation {
        recipe: from_project(project.as_ref().map(|project| project.path.as_path()), recipe),
        settings,
        ..WrittenInstallation::default()
    };
    let catalog = Catalog::embedded();
    let chosen = pairs(&args.connection, "--connection")?;
    let can_be_called = |app: &str| catalog.app(app).is_some_and(|app| app.base_url.is_some());
    let mut apps: BTreeSet<String> = plan.recipe.apps().into_iter().map(str::to_owned).collect();
    apps.extend(plan.recipe.linked_apps());
    let tells: BTreeSet<String> =
        plan.recipe.trigger.events.iter().map(|event| event.app.clone()).collect();
    let all: BTreeSet<String> =
        apps.union(&tells).filter(|app| can_be_called(app)).cloned().collect();
    if let Some(app) = chosen.keys().find(|app| !all.contains(*app)) {
        return Err(CommandError::usage(
            format!("the recipe does not work with `{app}`"),
            format!("it works with {}", all.iter().cloned().collect::<Vec<_>>().join(", ")),
        ));
    }
    let mut lacks = Vec::new();
    for app in &all {
        let Some(project) = &project else {
            installation.connections.extend(chosen.get(app).map(|c| (app.clone(), c.clone())));
            continue;
        };
        let names = project.connections_to(app);
        let name = match (chosen.get(app), &names[..]) {
            (Some(name), known) if known.contains(&name.as_str()) => name.clone(),
            (Some(name), known) => {
                return Err(CommandError::usage(
                    format!(
                        "there is no connection `{name}` to {app} in {}",
                        project.path.display()
                    ),
                    match known.is_empty() {
                        true => format!("make one: `linecook connect {app} --name {name}`"),
                        false => format!("name one of these: {}", known.join(", ")),
                    },
                ));
            }
            (None, []) => {
                lacks.push(app.clone());
                continue;
            }
            // The only one needs no line.
            (None, [_]) => continue,
            // Events of all of them start it.
            (None, _) if !apps.contains(app) => continue,
            (None, several) => {
                let title = catalog.app(app).map_or(app.as_str(), |app| app.title.as_str());
                let several: Vec<String> = several.iter().map(|name| (*name).to_owned()).collect();
                if !args.asks() {
                    return Err(CommandError::usage(
                        format!("there are several connections to {title}: {}", several.join(", ")),
                        format!("say which one: --connection {app}=NAME"),
                    ));
                }
                let question = format!("Which account of {title}");
                let otherwise = format!("say --connection {app}=NAME");
                several[ask::choose(&question, &several, otherwise)?].clone()
            }
        };
        installation.connections.insert(app.clone(), name);
    }
    if let Some(project) = &project {
        installation.name = free_name(project, &installation.recipe);
    }
    Ok(Installing { project, installation, lacks })
}

/// The recipe's file, counted from the project file.
fn from_project(project: Option<&Path>, recipe: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let inside = project.and_then(|project| {
        let folder = absolute(project)?.parent()?.to_owned();
        absolute(recipe)?.strip_prefix(folder).map(Path::to_owned).ok()
    });
    let path = inside.unwrap_or_else(|| recipe.to_owned());
    path.to_string_lossy().replace('\\', "/")
}

/// A name that no other installation has; none where that of the file is free.
fn free_name(project: &OpenProject, recipe: &str) -> Option<String> {
    let stem = |recipe: &str| {
        Path::new(recipe).file_stem().map(|stem| stem.to_string_lossy().into_owned())
    };
    let others = project.file.written.recipes.iter();
    let taken: BTreeSet<String> =
        others.filter_map(|other| other.name.clone().or_else(|| stem(&other.recipe))).collect();
    let usual = stem(recipe)?;
    if !taken.contains(&usual) {
        return None;
    }
    (2..).map(|number| format!("{usual}-{number}")).find(|name| !taken.contains(name))
}

impl Installing {
    /// What the installation is called, where there is a project for it.
    fn name(&self) -> Option<String> {
        self.project.as_ref()?;
        let stem = Path::new(&self.installation.recipe).file_stem()?.to_string_lossy();
        Some(self.installation.name.clone().unwrap_or_else(|| stem.into_owned()))
    }

    /// The same, and then what can be done next.
    pub fn install_and_say_more(self, recipe: &Path) -> Result {
        let installed = self.name();
        let exit = self.install()?;
        say_next(recipe, installed.as_deref());
        Ok(exit)
    }

    /// Writes it into the project file, or says what to write; then the project is checked.
    fn install(self) -> Result {
        let Some(mut project) = self.project else {
            print::line(format_args!(
                "\nThere is no {PROJECT_FILE} here, in which recipes run with your accounts and settings. \
                 `linecook init` makes one; then it says:\n\n{}",
                installation_lines(&self.installation).trim_end()
            ));
            return Ok(Exit::Good);
        };
        let shown = project.path.display().to_string();
        if !project.edit(|text| with_installation(text, &self.installation))? {
            print::line(format_args!(
                "\n{shown} cannot be changed for certain. Write this into it yourself:\n\n{}",
                installation_lines(&self.installation).trim_end()
            ));
            return Ok(Exit::Good);
        }
        let name = self.installation.name.as_ref().unwrap_or(&self.installation.recipe);
        print::line(format_args!("{shown} installs {name}"));
        for app in &self.lacks {
            print::line(format_args!(
                "There is no connection to {app} yet: `linecook connect {app}` makes one"
            ));
        }
        if !self.lacks.is_empty() {
            return Ok(Exit::Good);
        }
        say_problems(&project.path)
    }
}

/// What can be done with a recipe now. One that is installed changes nothing real until it goes live.
pub fn say_next(recipe: &Path, installed: Option<&str>) {
    let name = shown(recipe);
    print::line(format_args!(
        "\nWhat to do next:\n  linecook test {name}\n  linecook explain {name}\n  linecook dry-run {name}"
    ));
    if let Some(installed) = installed {
        print::line(format_args!("  linecook go-live {}", shell_word(installed)));
    }
}

/// What `linecook check` says of the project now, as far as it is wrong.
fn say_problems(project: &Path) -> Result {
    let loaded = load_project(project);
    if !loaded.has_errors() {
        return Ok(Exit::Good);
    }
    for mut found in loaded.diagnostics {
        found.found.retain(|diagnostic| diagnostic.severity == Severity::Error);
        print::text(found.text(colour()));
    }
    print::talk("The project is not right yet: `linecook check` says when it is.");
    Ok(Exit::Problems)
}

/// How a recipe that has just been made becomes part of a project.
pub fn say_how(recipe: &Path) {
    let project = place::project();
    let recipe = from_project(project.as_deref(), recipe);
    let installation = WrittenInstallation { recipe, ..WrittenInstallation::default() };
    let lines = installation_lines(&installation);
    match project {
        Some(project) => print::line(format_args!(
            "\nTo let it run, add it to {}:\n{}",
            project.display(),
            lines.trim_end()
        )),
        None => print::line(format_args!(
            "\nTo let it run, start a project with `linecook init` and add it to {PROJECT_FILE}:\n{}",
            lines.trim_end()
        )),
    }
}

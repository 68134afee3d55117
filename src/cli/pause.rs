//! `linecook pause`: nothing of a recipe runs any more, until it goes live again.

use super::exit::{Exit, Result};
use super::installed::installation_named;
use super::options::Format;
use super::project::load_project;
use super::project_file::OpenProject;
use super::request::ask;
use super::runtime::runtime;
use super::store::StorePlace;
use crate::store::RequestBody;
use crate::value::Defaults;

#[derive(clap::Args)]
pub struct Args {
    /// The recipe, as linecook.yaml names it
    recipe: String,
    /// Why, for those who look at it later
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    // A project with errors can be stopped too.
    let name = match load_project(&project.path).ready {
        Some(ready) => installation_named(&ready, &args.recipe)?,
        None => args.recipe.clone(),
    };
    let why = args.why.clone().unwrap_or_else(|| "somebody paused it".to_owned());
    let place = StorePlace {
        path: project.store.clone(),
        project: Some(project.path.clone()),
        defaults: std::sync::Arc::new(Defaults::default()),
    };
    runtime()?.block_on(async {
        let request = RequestBody::Pause { installation: name.clone(), why };
        let asked = ask(&place, &[request]).await?;
        let goes_on = format!("its events wait; `linecook go-live {name}` lets it go on");
        asked.print(&[name], None, args.format).inspect(|exit| {
            if *exit == Exit::Good && matches!(args.format, Format::Text) {
                super::print::line(goes_on);
            }
        })
    })
}

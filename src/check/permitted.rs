//! May the connections of a project do what its recipes need? What they need comes in; what is wrong goes
//! out, for the file of each recipe.

use super::needs::{ConnectionNeed, Needed, Why};
use crate::catalog::{Catalog, Refusal};
use crate::diagnostic::{self, Diagnostic};
use crate::project::Project;
use crate::source::Route;

/// What connections may not do although a recipe needs it, each with the installation whose recipe says so.
pub fn permitted(
    project: &Project,
    needs: &[ConnectionNeed<'_>],
    catalog: &Catalog,
) -> Vec<(usize, Diagnostic)> {
    let mut found = Vec::new();
    let mut refused_at = None;
    for ConnectionNeed { connection, installation, need } in needs {
        let Some(named) = project.connections.get(*connection) else { continue };
        let Some(app) = catalog.app(&named.app) else { continue };
        let access = named.access();
        let (refusal, what) = match &need.what {
            Needed::Call(operation) => (access.permits(operation), operation.call.clone()),
            Needed::Event(event) => {
                let scope = event.scope.as_deref().filter(|_| need.what.matters_to(named.way()));
                (scope.map_or(Ok(()), |scope| access.has(scope)), event.name())
            }
        };
        let Err(refusal) = refusal else { continue };
        let at = Some((*installation, *connection, need.place));
        // What cannot be called need not be looked for.
        if need.why == Why::LooksAfter && refused_at == at {
            continue;
        }
        refused_at = at;
        let route = match need.place {
            Some(place) => place.route.clone(),
            None => Route::root().key("trigger").key("on"),
        };
        let (why, instead) = (refusal.why(connection, &what), refusal.instead(connection, app));
        let why = match need.place.filter(|place| place.inside.is_some()) {
            Some(place) => format!("{}: {why}", place.in_words()),
            None => why,
        };
        let say = match (need.why, refusal) {
            (Why::LooksAfter, _) => diagnostic::cannot_look_after,
            (_, Refusal::NotAllowed { .. }) => diagnostic::not_allowed,
            (_, Refusal::NoScope { .. }) => diagnostic::lacks_scope,
        };
        found.push((*installation, say(&route, &why, &instead)));
    }
    found
}

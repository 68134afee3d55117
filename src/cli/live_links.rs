//! Links of a run that is started by hand: those of the project for real accounts, else in memory.

use super::request::ask_service;
use super::store::StorePlace;
use crate::execute::{Links, MemoryLinks};
use crate::journal::{Link, LinkAnswer, LinkChange};
use crate::store::{
    LinkAccounts, Options, RequestAnswer, RequestBody, Store, StoreError, StoreErrorKind,
    StoreLinks,
};
use crate::template::LinkQuestion;
use crate::value::RecordKey;

/// Where a run finds its links.
pub enum RunLinks {
    InMemory(MemoryLinks),
    OfProject(ProjectLinks),
}

/// The links in the store of a project, whether a service runs it or not.
#[derive(Clone)]
pub struct ProjectLinks {
    place: std::sync::Arc<StorePlace>,
    accounts: LinkAccounts,
}

impl ProjectLinks {
    pub fn new(place: StorePlace, accounts: LinkAccounts) -> ProjectLinks {
        ProjectLinks { place: std::sync::Arc::new(place), accounts }
    }

    /// Nothing is linked in a store that is not there.
    fn look(&self) -> Result<Option<StoreLinks>, String> {
        match Store::beside(&self.place.path, Options::default()) {
            Ok(store) => Ok(Some(StoreLinks { store, accounts: self.accounts.clone().into() })),
            Err(error) if error.kind == StoreErrorKind::Missing => Ok(None),
            Err(error) => Err(words(error)),
        }
    }

    async fn change(&self, change: &LinkChange) -> Result<(), String> {
        let changes = vec![change.clone()];
        match Store::open(&self.place.path, Options::default()) {
            Ok(store) => {
                store.change_links(changes, &self.accounts).await.map(|_| ()).map_err(words)
            }
            Err(error) if error.kind == StoreErrorKind::Taken => {
                let store = Store::beside(&self.place.path, Options::default()).map_err(words)?;
                let request = RequestBody::Links { changes, accounts: self.accounts.clone() };
                let answers = ask_service(&store, &[request]).await.map_err(words)?;
                match answers.into_iter().next().flatten() {
                    Some(RequestAnswer::Done(_)) => Ok(()),
                    Some(RequestAnswer::Impossible(why)) => Err(why),
                    None => Err("the service has not linked the records in time".to_owned()),
                }
            }
            Err(error) => Err(words(error)),
        }
    }
}

fn words(error: StoreError) -> String {
    error.to_string()
}

impl Links for RunLinks {
    async fn linked(&mut self, questions: &[LinkQuestion]) -> Result<Vec<LinkAnswer>, String> {
        match self {
            RunLinks::InMemory(links) => links.linked(questions).await,
            RunLinks::OfProject(project) => match project.look()? {
                Some(mut links) => links.linked(questions).await,
                None => MemoryLinks::default().linked(questions).await,
            },
        }
    }

    async fn links_of(&mut self, record: &RecordKey) -> Result<Vec<Link>, String> {
        match self {
            RunLinks::InMemory(links) => links.links_of(record).await,
            RunLinks::OfProject(project) => match project.look()? {
                Some(mut links) => links.links_of(record).await,
                None => Ok(Vec::new()),
            },
        }
    }

    async fn change(&mut self, change: &LinkChange) -> Result<(), String> {
        match self {
            RunLinks::InMemory(links) => links.change(change).await,
            RunLinks::OfProject(project) => project.change(change).await,
        }
    }
}

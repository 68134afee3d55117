//! The accounts a run works with.

use std::collections::BTreeMap;

use super::render::Detail;
use crate::catalog::{App, Catalog};
use crate::connection::Connection;

/// Whose request it is, and how much it says of itself.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    pub app: &'a App,
    pub connection: &'a Connection,
    pub detail: Detail,
}

/// One connection per app.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    connections: BTreeMap<String, Connection>,
}

impl Accounts {
    /// Every app of the catalog at its own address.
    pub fn of_catalog(catalog: &Catalog, location_id: &str) -> Accounts {
        let mut accounts = Accounts::default();
        for app in catalog.apps() {
            let Some(base_url) = &app.base_url else { continue };
            accounts.add(Connection {
                app: app.app.clone(),
                base_url: base_url.clone(),
                location_id: app.location.is_some().then(|| location_id.to_owned()),
                access: Default::default(),
                rotation: None,
            });
        }
        accounts
    }

    pub fn add(&mut self, connection: Connection) {
        self.connections.insert(connection.app.clone(), connection);
    }

    pub fn get(&self, app: &str) -> Option<&Connection> {
        self.connections.get(app)
    }

    pub fn get_mut(&mut self, app: &str) -> Option<&mut Connection> {
        self.connections.get_mut(app)
    }
}

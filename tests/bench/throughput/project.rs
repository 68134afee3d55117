//! The project that `linecook serve` runs here: one recipe, and quotas that are no limit.

use std::net::SocketAddr;
use std::path::PathBuf;

use linecook::server::{hook_names, hook_secrets};
use linecook::store::{self, Store};
use linecook::vault::{KeyPlaces, Vault};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::PARALLEL;

/// The key of the vault: 32 bytes of 7.
pub const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// Three calls, as the bare program makes them.
pub const THREE_CALLS: &str = r#"name: A new customer becomes a contact with a note and a task
trigger:
  on: stax.customer_created
steps:
  - id: contact
    call: POST /contacts/upsert
    # Two more calls, which the bare program does not make.
    check_identity: false
    with:
      firstName: "{{ event.firstname }}"
      lastName: "{{ event.lastname }}"
      email: "{{ event.email | lower }}"
      phone: "{{ event.phone }}"
      source: Stax
  - call: POST /contacts/:contactId/notes
    with:
      contactId: "{{ steps.contact.contact_id }}"
      title: From Stax
      body: "{{ event.firstname }} {{ event.lastname }} is a customer of Stax."
  - call: POST /contacts/:contactId/tasks
    with:
      contactId: "{{ steps.contact.contact_id }}"
      title: Welcome call
      dueDate: "{{ now() | add_days(1) }}"
"#;

/// Reads a contact, and writes what differs.
pub const PATCH: &str = r#"name: A customer is brought over to the contact
trigger:
  on: stax.customer_created
steps:
  - call: PUT /contacts/:contactId
    patch: true
    with:
      contactId: "{{ event.id }}"
      city: "{{ event.address_city }}"
"#;

/// A folder with a project in it.
pub struct Project {
    pub folder: TempDir,
    pub address: SocketAddr,
}

impl Project {
    /// `app` is where the calls of its one recipe go.
    pub fn new(app: SocketAddr, recipe: &str) -> Project {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = super::process::free_address();
        let project = format!(
            "live_at_once: true\nlisten: {address}\npublic_url: http://{address}\nparallel: {PARALLEL}\nrequest_timeout: 10m\n\
             connections:\n  stax: {{ app: stax }}\n  main: {{ app: highlevel, location_id: bench, base_url: 'http://{app}' }}\n\
             quotas:\n  main: {{ requests: 1000000000, per: 10s, per_day: 1000000000, failures: 1000000, failures_per: 60s }}\n\
             recipes:\n  - recipe: customer.yaml\n"
        );
        std::fs::write(folder.path().join("linecook.yaml"), project).expect("the project file");
        std::fs::write(folder.path().join("customer.yaml"), recipe).expect("the recipe");
        Project { folder, address }
    }

    pub fn store_path(&self) -> PathBuf {
        self.folder.path().join("linecook.db")
    }

    /// The store, while the service does not run.
    pub fn store(&self) -> Store {
        Store::open(&self.store_path(), store::Options::default()).expect("a store")
    }

    /// Where events are posted to.
    pub async fn hook(&self) -> String {
        let environment = Some(Zeroizing::new(KEY.to_owned()));
        let places = KeyPlaces { environment, keyring: false, file: None };
        let vault = Vault::new(Vault::path_of(&self.store_path()), places);
        let secrets = hook_secrets(&vault, &self.store(), hook_names(["stax".to_owned()])).await;
        let secrets = secrets.map_err(|e| e.message).expect("secrets");
        format!("/hooks/stax/{}/customer_created", secrets["stax"][0].secret.expose())
    }
}
